# A submitter comes back in the middle of the window: it signs nothing before it knows what the others have signed.
mesh alpha=chain+submitter beta=chain+submitter store=storage/all p1=prover
chain full
await result-stored by=beta
run 1
crash beta
await push reason=signed by=alpha
pool drop
split beta
start beta
run 1
heal
until 40
never sign by=beta
chain flows
until 60
posted 1
wasted 0
