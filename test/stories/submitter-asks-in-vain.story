# Sectors that are gone although their holder, too slow to refuse them, lists them: the submitters ask in rank order, at
# most twice and an epoch apart, and the doubtful result is sent when it may be, not later.
mesh alpha=chain+submitter beta=chain+submitter store=storage/all p1=prover*2 p2=prover liar=prover*0
until 5
lazy store
pause p1
pause p2
await announce
run 0.1
lose 0 1 2 3 4 5
forge needless-skip by=liar
await ask peer=store as=FIRST
await ask peer=store not=$FIRST as=SECOND
until 100
count ask 2 by=alpha
count ask 2 by=beta
never object
never reopen
posted 1
skipped 1
