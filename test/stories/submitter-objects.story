# A result leaves out a sector that its holder could open, but the holder never objects: before it signs, a submitter asks
# it for the sector, gets it, and objects itself. The item is proven again with the sector.
mesh alpha=chain+submitter beta=chain+submitter store=storage/all p1=prover*2 p2=prover liar=prover*0
until 5
lazy store
pause p1
pause p2
await announce
run 0.1
forge needless-skip by=liar
await ask peer=store as=FIRST
await object by=$FIRST peer=store reason=holder-delivered
await reopen not=$FIRST peer=store
# The other submitter has nothing left to ask.
count ask 1
never object by=store
resume p1
resume p2
await result-stored by=alpha reason=better
until 45
posted 1
skipped 0
