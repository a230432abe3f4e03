# A reorg deeper than five epochs takes out what was confirmed: the same bytes are pushed again and land again.
mesh alpha=chain+submitter beta=chain+submitter store=storage/all p1=prover
await sign as=FIRST
await done
run 1
count done 2
reorg 10
posted 0
await reverted by=$FIRST reason=reorg
await push by=$FIRST
await done by=$FIRST
count sign 1
posted 1
wasted 0
