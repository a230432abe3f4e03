# A prover that restarts claims under a higher term; its orphaned lease is free as soon as its first record is heard.
mesh alpha=chain+submitter store=storage/all p1=prover
await prove by=p1
crash p1
run 1
start p1
await claim by=p1 within=10
await result-stored by=p1
until 40
posted 1
wasted 0
