# A dry run is proven like due work, only after it, and never sent.
mesh alpha=chain+submitter store=storage/all p1=prover
run 4
dry-run alpha
await announce by=alpha reason=dry
await claim by=p1
await result-stored by=alpha
until 20
await claim by=p1
until 45
count sign 1
posted 1
