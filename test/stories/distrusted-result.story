# A submitter that caught a prover lying takes its good result all the same once others have verified it: nobody makes another.
mesh alpha=chain+submitter store=storage/all p1=prover liar=prover*1
await announce
pause p1
forge result by=liar
await alarm by=alpha reason=bad-result
await result-stored by=liar
await result-stored by=store
await result-stored by=alpha within=5
until 40
posted 1
