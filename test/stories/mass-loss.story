# Half of the provers fall silent at once: the network is split, not they dead, so nobody begins their proofs again.
mesh alpha=chain+submitter store=storage/all p1=prover p2=prover p3=prover p4=prover p5=prover p6=prover p7=prover p8=prover
due 8
proof 30
await prove
run 4
split p1 p2 p3 p4
run 25
heal
run 30
count prove 8
until 60
posted 8
wasted 0
