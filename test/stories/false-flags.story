# A chain node announces a partition again with nothing false but which sectors were updated: that is another item.
# Whoever has a view of the chain tells of it; others prove it after the true one; it is never sent.
mesh a1=chain+submitter a2=chain store=storage/all p1=prover
await announce by=a1
forge flags by=a2
await alarm reason=announcement-differs by=a1
await claim by=p1
await result-stored by=a1
run 10
count claim 2 by=p1
count result-stored 1 by=a1
until 40
count sign 1
posted 1
wasted 0
