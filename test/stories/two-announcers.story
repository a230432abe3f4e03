# The two best-ranked chain nodes announce at once, the third keeps quiet; a node without a chain believes two.
mesh a1=chain+submitter a2=chain a3=chain store=storage/all p1=prover
await announce
await claim by=p1 within=2
run 10
count announce 2
until 40
posted 1
