# A split lasts several times as long as a proof. Nothing is heard of the far side's progress, which says nothing about
# it: although slots are idle no lease over there counts as slow, and its results come when the split heals.
mesh alpha=chain+submitter store=storage/all p1=prover p2=prover p3=prover p4=prover p5=prover p6=prover p7=prover p8=prover
due 7
proof 22
await prove
run 4
split p3 p4 p5 p6
run 80
never hedge
heal
run 20
count prove 7
until 60
posted 7
wasted 0
