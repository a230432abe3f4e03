# The holder stands still with open connections: nobody doubts it until its lease has lapsed and probes are silent.
mesh alpha=chain+submitter store=storage/all p1=prover p2=prover
proof 20
await prove as=holder
pause $holder
run 8
never presume-dead
await presume-dead reason=silent not=$holder within=7
await takeover not=$holder peer=$holder within=3
await result-stored
resume $holder
run 10
until 40
posted 1
wasted 0
