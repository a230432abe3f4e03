# Streams of the only holder wait in line longer than a stream may stall: the gather is neither released nor cut short.
mesh alpha=chain+submitter store=storage/all p1=prover
line store 35
await claim by=p1
await result-stored by=alpha within=60
never release
never skip
until 60
posted 1
skipped 0
wasted 0
