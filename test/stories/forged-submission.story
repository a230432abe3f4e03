# A forged message does not silence the submitters: they check it, drop it, and send the real one.
mesh alpha=chain+submitter beta=chain+submitter store=storage/all p1=prover
await result-stored by=alpha
forge submission by=beta
await alarm by=alpha reason=bad-submission
await sign
until 40
posted 1
wasted 0
