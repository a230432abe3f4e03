# The result leaves in the same step in which the lease ends: a prover that dies right after it costs nothing.
mesh alpha=chain+submitter store=storage/all p1=prover p2=prover
await result-stored as=prover
run 0.1
crash $prover
run 20
count prove 1
until 40
posted 1
