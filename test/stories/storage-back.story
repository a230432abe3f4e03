# The holder of the missing sectors comes back: the item is claimed again at once and nothing is left out.
mesh alpha=chain+submitter even=storage/even odd=storage/odd p1=prover
run 4
crash odd
await release reason=holders-exhausted
until 20
start odd
await claim by=p1 within=3
await result-stored by=alpha
until 60
posted 1
skipped 0
