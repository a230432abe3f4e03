# A message that missed its deadline leaves its nonce to the next one, which pays 1.25 x its premium.
mesh alpha=chain+submitter store=storage/all p1=prover
due 1 2
chain full
await sign by=alpha
until 86
pool drop
await sign by=alpha
await alarm reason=deadline-missed by=alpha
chain flows
until 120
posted 0 0
posted 1 1
wasted 0
