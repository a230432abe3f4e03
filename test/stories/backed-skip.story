# A sector is gone from the only disk that listed it: its holder refuses it twice, an epoch apart, and it is left out.
mesh alpha=chain+submitter store=storage/all p1=prover
lose 2
await claim by=p1
await skip reason=refused-by-all-holders by=p1
never object
await result-stored by=alpha
until 100
posted 1
skipped 1
