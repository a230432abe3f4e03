# A message on the chain is done five epochs later, not before: until then a reorg may take it out.
mesh alpha=chain+submitter store=storage/all p1=prover
await included by=alpha
run 7
never done
await done by=alpha reason=confirmed within=20
posted 1
