# One of two storage machines is gone for good: only its own sectors are left out, and not before the latest start time.
mesh alpha=chain+submitter even=storage/even odd=storage/odd p1=prover p2=prover
run 4
crash odd
await release reason=holders-exhausted
until 60
never skip
await skip reason=latest-start-time
await result-stored by=alpha
await alarm by=alpha reason=unbacked-skip
until 95
posted 1
skipped 3
wasted 0
