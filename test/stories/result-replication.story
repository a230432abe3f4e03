# A prover ends its lease only with the result, and stops offering it once three disks have it, a submitter's among them.
mesh alpha=chain+submitter beta=chain+submitter store=storage/all p1=prover p2=prover
await prove as=holder
await result-stored by=$holder reason=first
await result-stored by=alpha
await result-acknowledged by=$holder within=10
# Nobody proves again what is known, also after the prover is gone.
crash $holder
run 30
count prove 1
until 40
posted 1
