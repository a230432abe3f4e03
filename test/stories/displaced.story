# A message of the other side of a split takes the nonce: the one displaced is dead, its partition is sent anew.
mesh alpha=chain+submitter store=storage/all p1=prover
due 2
chain full
await push reason=signed
forge rival by=alpha
run 6
chain flows
await displaced by=alpha
until 60
posted 2
wasted 0
