# The disk of a holder gave false bytes for a while; its process knows of nothing and tells nothing when it is well again.
mesh alpha=chain+submitter even=storage/even odd=storage/odd p1=prover p2=prover
run 4
sick odd lying
await release reason=holders-exhausted by=p1
await release reason=holders-exhausted by=p2
run 5
well odd
await result-stored by=alpha within=30
until 60
posted 1
skipped 0
