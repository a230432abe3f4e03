# One of two chain nodes is down: a lone announcement is believed two epochs later.
mesh a1=chain+submitter a2=chain store=storage/all p1=prover
run 4
crash a2
await announce by=a1
run 3
never claim
await claim by=p1 within=6
until 40
posted 1
