# A result that does not verify is stored by nobody, and its author is not listened to any more.
mesh alpha=chain+submitter store=storage/all p1=prover liar=prover*1
await announce
forge result by=liar
await result-refused by=alpha reason=does-not-verify peer=liar
await alarm by=alpha reason=bad-result
await result-stored by=alpha
until 40
posted 1
