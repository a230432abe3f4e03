# A result leaves out a sector that its holder can open: the holder objects, the item is proven again with it.
mesh alpha=chain+submitter store=storage/all p1=prover*2 p2=prover liar=prover*0
until 5
pause p1
pause p2
await announce
run 0.1
forge needless-skip by=liar
await object by=store
await reopen by=alpha
count alarm 1 by=alpha reason=unbacked-skip
resume p1
resume p2
await result-stored by=alpha reason=better
until 45
posted 1
skipped 0
