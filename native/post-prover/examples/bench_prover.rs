//! Our prover against the stock one, alternating in one process: `cargo run --release -p post-prover --features bench --example bench_prover -- [--sectors
//! 2,47,191] [--repetitions 5] [--json]`.
//!
//! 2 KiB window partitions with enlarged counts, and parameters (kept where `POSTER_TEST_PARAMS` says) that are a local setup for 2
//! sectors and, for more, distinct points without one: both provers do the same work on them and must agree, but nothing verifies. Both have what
//! they keep between proofs: the stock prover its mapping, ours its decoded points, twiddles and buffers. The first round of both warms up
//! and does not count, except with `--repetitions 0`, where it is all there is. Memory is the peak of a child process that makes one
//! proof (`--no-memory` leaves it out: null).

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use blstrs::Scalar;
use common::{mapped, shape, Sample};
use post_prover::{Arithmetic, Circuit, Parameters, Phase, Prover, Randomisers};
use rustix::time::{clock_gettime, ClockId};

fn main() {
    let options = Options::parse();
    if let Some(which) = &options.child {
        return child(which, options.sectors[0]);
    }
    for &sectors in &options.sectors {
        let report = compare(sectors, options.repetitions, options.memory);
        if options.json {
            println!("{}", report.0);
        } else {
            println!("{}", report.1);
        }
    }
}

struct Options {
    sectors: Vec<usize>,
    repetitions: Option<usize>,
    json: bool,
    memory: bool,
    /// `own` or `stock`: one warm proof in a process of its own, for its memory.
    child: Option<String>,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self {
            sectors: vec![2, 47, 191],
            repetitions: None,
            json: false,
            memory: true,
            child: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().expect("an option lacks its value");
            match argument.as_str() {
                "--sectors" => {
                    options.sectors = value().split(',').map(|n| n.parse().unwrap()).collect();
                }
                "--repetitions" => options.repetitions = Some(value().parse().unwrap()),
                "--json" => options.json = true,
                "--no-memory" => options.memory = false,
                "--child" => options.child = Some(value()),
                other => panic!("unknown option {other}"),
            }
        }
        options
    }
}

fn sample(sectors: usize) -> Sample {
    let circuit = Circuit {
        blocks: sectors,
        challenges: 10,
        shape: shape(2, false, false),
    };
    Sample::window(circuit, sectors)
}

/// A setup of the real size takes seconds; those of the enlarged ones take minutes of many cores, so they get points without one.
fn parameters(sample: &Sample) -> PathBuf {
    if sample.circuit.blocks <= 2 {
        sample.parameters()
    } else {
        sample.points_without_setup()
    }
}

fn randomisers() -> (Scalar, Scalar) {
    (Scalar::from(25), -Scalar::from(7))
}

#[derive(Clone, Copy, Default)]
struct Cost {
    wall_ms: f64,
    cpu_ms: f64,
}

struct Stopwatch(Instant, f64);

impl Stopwatch {
    fn start() -> Self {
        Self(Instant::now(), cpu_ms())
    }

    fn stop(&self) -> Cost {
        Cost {
            wall_ms: self.0.elapsed().as_secs_f64() * 1e3,
            cpu_ms: cpu_ms() - self.1,
        }
    }
}

fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        (values[middle - 1] + values[middle]) / 2.0
    }
}

fn compare(
    sectors: usize,
    repetitions: Option<usize>,
    memory: bool,
) -> (serde_json::Value, String) {
    let repetitions = repetitions.unwrap_or(if sectors > 100 { 3 } else { 5 });
    let sample = sample(sectors);
    let path = parameters(&sample);
    let stock_parameters = mapped(path.clone());
    let arithmetic = Arithmetic::detect();
    let parameters = Parameters::load(&path, &sample.circuit, arithmetic).unwrap();
    let mut prover = Prover::new(sample.circuit, Arc::new(parameters));
    let (r, s) = randomisers();
    let mut stock = Vec::new();
    let mut own = Vec::new();
    let mut phases: [Vec<Cost>; 3] = Default::default();
    let mut synthesis = Vec::new();
    let mut equal = true;
    // The first round warms both up and does not count.
    for round in 0..=repetitions {
        let watch = Stopwatch::start();
        let expected = sample.stock(&stock_parameters, r, s);
        let stock_cost = watch.stop();
        let watch = Stopwatch::start();
        let mut marks = Vec::new();
        let proof = sample
            .with_blocks(|blocks| {
                prover.prove(blocks, &Randomisers::new(r, s), &mut |_: Phase| {
                    marks.push(Stopwatch::start())
                })
            })
            .unwrap();
        let own_cost = watch.stop();
        let end = Stopwatch::start();
        equal &= proof[..] == expected[..];
        let stock_synthesis = sample.stock_synthesis(cpu_ms);
        if round == 0 && repetitions > 0 {
            continue;
        }
        stock.push(stock_cost);
        own.push(own_cost);
        synthesis.push(stock_synthesis);
        marks.push(end);
        for (phase, pair) in phases.iter_mut().zip(marks.windows(2)) {
            phase.push(Cost {
                wall_ms: (pair[1].0 - pair[0].0).as_secs_f64() * 1e3,
                cpu_ms: pair[1].1 - pair[0].1,
            });
        }
    }
    let of = |costs: &[Cost], f: fn(&Cost) -> f64| median(costs.iter().map(f).collect());
    let wall = |cost: &Cost| cost.wall_ms;
    let cpu = |cost: &Cost| cost.cpu_ms;
    let [stock_peak, own_peak] =
        ["stock", "own"].map(|which| memory.then(|| peak_mb(which, sectors)));
    let (stock_wall, stock_cpu) = (of(&stock, wall), of(&stock, cpu));
    let (own_wall, own_cpu) = (of(&own, wall), of(&own, cpu));
    let synthesis_cpu = of(&phases[0], cpu);
    let stock_synthesis_cpu = median(synthesis);
    let round = |value: f64| (value * 1000.0).round() / 1000.0;
    let json = serde_json::json!({
        "sectors": sectors,
        "constraints": sample.circuit.rows(),
        "stock": { "wallMs": round(stock_wall), "cpuMs": round(stock_cpu), "peakMb": stock_peak, "synthesisCpuMs": round(stock_synthesis_cpu) },
        "own": { "wallMs": round(own_wall), "cpuMs": round(own_cpu), "peakMb": own_peak, "synthesisCpuMs": round(synthesis_cpu) },
        "ratioWall": round(own_wall / stock_wall),
        "ratioCpu": round(own_cpu / stock_cpu),
        "synthesisRatioCpu": round(synthesis_cpu / stock_synthesis_cpu),
        "bitEqual": equal,
        "repetitions": repetitions,
        "threads": std::thread::available_parallelism().map_or(0, usize::from),
        "arithmetic": format!("{arithmetic:?}").to_lowercase(),
        "ownPhasesCpuMs": { "synthesis": round(synthesis_cpu), "transforms": round(of(&phases[1], cpu)), "multiexp": round(of(&phases[2], cpu)) },
    });
    let text = format!(
        "{sectors} sectors, {} constraints, {arithmetic:?}, median of {repetitions}\n  \
         stock {stock_wall:9.1} ms wall {stock_cpu:9.1} ms CPU {:6} MB, synthesis {stock_synthesis_cpu:.1} ms CPU\n  \
         own   {own_wall:9.1} ms wall {own_cpu:9.1} ms CPU {:6} MB, CPU: synthesis {synthesis_cpu:.1} transforms {:.1} multiexp {:.1}\n  \
         ratio {:9.3} wall    {:9.3} CPU    {:6.3} memory, synthesis {:.3}; bit-equal: {equal}",
        sample.circuit.rows(),
        stock_peak.unwrap_or(0),
        own_peak.unwrap_or(0),
        of(&phases[1], cpu),
        of(&phases[2], cpu),
        own_wall / stock_wall,
        own_cpu / stock_cpu,
        own_peak.unwrap_or(0) as f64 / stock_peak.unwrap_or(1) as f64,
        synthesis_cpu / stock_synthesis_cpu,
    );
    (json, text)
}

fn peak_mb(which: &str, sectors: usize) -> u64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--child", which, "--sectors", &sectors.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "the memory child failed");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

/// One proof, then the highest resident memory of the process in MB.
fn child(which: &str, sectors: usize) {
    let sample = sample(sectors);
    let path = parameters(&sample);
    let (r, s) = randomisers();
    if which == "stock" {
        let parameters = mapped(path);
        sample.stock(&parameters, r, s);
    } else {
        let flat = path.with_extension("flat");
        let arithmetic = Arithmetic::detect();
        if Parameters::open(&flat, &path, &sample.circuit, arithmetic).is_err() {
            Parameters::install(&path, &flat, &sample.circuit, arithmetic).unwrap();
            // Installing touched every page of the source.
            return child_again(which, sectors);
        }
        let parameters = Parameters::open(&flat, &path, &sample.circuit, arithmetic).unwrap();
        let mut prover = Prover::new(sample.circuit, Arc::new(parameters));
        sample
            .with_blocks(|blocks| prover.prove(blocks, &Randomisers::new(r, s), &mut |_| {}))
            .unwrap();
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| {
            rest.trim()
                .trim_end_matches("kB")
                .trim()
                .parse::<u64>()
                .ok()
        });
    println!("{}", peak.unwrap_or(0) / 1000);
}

fn child_again(which: &str, sectors: usize) {
    println!("{}", peak_mb(which, sectors));
}
