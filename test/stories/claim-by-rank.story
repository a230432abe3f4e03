# Of three idle provers the first in rank claims each item, the others see the lease and leave it.
mesh alpha=chain+submitter store=storage/all p1=prover p2=prover p3=prover
due 3
await announce by=alpha
await claim reason=first-in-rank
run 20
count claim 3
count prove 3
never takeover
never yield
until 40
posted 3
wasted 0
