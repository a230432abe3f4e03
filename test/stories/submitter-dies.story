# The submitter dies after it told its message and before the pool keeps it: another pushes the identical bytes.
mesh alpha=chain+submitter beta=chain+submitter store=storage/all p1=prover
chain full
await push reason=signed as=signer
await adopt not=$signer
pool drop
crash $signer
await push reason=fallback not=$signer
chain flows
until 60
posted 1
wasted 0
count sign 1
