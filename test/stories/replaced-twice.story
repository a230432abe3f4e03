# The base fee rises twice: of each message the second replacement goes out like the first.
mesh alpha=chain+submitter store=storage/all p1=prover
due 4
chain full
until 36
fee 900
until 50
count push 8 reason=signed
fee 3000
until 62
count push 12 reason=signed
chain flows
until 70
posted 4
wasted 0
