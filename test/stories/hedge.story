# A holder that renews its lease and does not get on is hedged: an idle prover starts a second copy before the deadline.
mesh alpha=chain+submitter store=storage/all p1=prover p2=prover
proof 4
await prove as=holder
pause $holder
await hedge reason=slow not=$holder within=11
await result-stored not=$holder
until 40
posted 1
wasted 0
