//! Our prover against the stock one, alternating in one process: `cargo run --release -p post-prover --features bench --example bench_prover -- [--sectors
//! 2,47,191] [--repetitions 5] [--json]`.
//!
//! 2 KiB window partitions with enlarged counts, and parameters (kept where `POSTER_TEST_PARAMS` says) that are a local setup for 2
//! sectors and, for more, distinct points without one: both provers do the same work on them and must agree, but nothing verifies. Both have what
//! they keep between proofs: the stock prover its mapping, ours its decoded points, twiddles and buffers. The first round of both warms up
//! and does not count, except with `--repetitions 0`, where it is all there is. Memory is the peak of a child process that makes one
//! proof, or two at a time (`--no-memory` leaves it out: null).
//!
//! Occupancy of a phase is its CPU time by wall time times cores. On a machine with other work it says little: `runnable` counts the time
//! in which our threads wanted a core and did not get it as well (Linux), so that what is missing is time in which they had nothing to do.
//! Two jobs in flight are two proofs by two threads over the same parameters, against the same two one after another; `throughput` is
//! the time of these by the time of those (`--no-in-flight` leaves it out: null).

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
        let report = compare(sectors, &options);
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
    in_flight: bool,
    /// `own`, `two` or `stock`: one proof, or two at a time, in a process of its own, for its memory.
    child: Option<String>,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self {
            sectors: vec![2, 47, 191],
            repetitions: None,
            json: false,
            memory: true,
            in_flight: true,
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
                "--no-in-flight" => options.in_flight = false,
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
    /// Threads were ready to run and another process had the core.
    delayed_ms: f64,
}

impl Cost {
    fn occupancy(&self) -> f64 {
        self.cpu_ms / (self.wall_ms * cores())
    }

    fn runnable(&self) -> f64 {
        (self.cpu_ms + self.delayed_ms) / (self.wall_ms * cores())
    }
}

struct Stopwatch {
    start: Instant,
    cpu_ms: f64,
    delayed_ms: f64,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            start: Instant::now(),
            cpu_ms: cpu_ms(),
            delayed_ms: delayed_ms(),
        }
    }

    fn stop(&self) -> Cost {
        self.until(&Self::start())
    }

    fn until(&self, end: &Self) -> Cost {
        Cost {
            wall_ms: (end.start - self.start).as_secs_f64() * 1e3,
            cpu_ms: end.cpu_ms - self.cpu_ms,
            delayed_ms: end.delayed_ms - self.delayed_ms,
        }
    }
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Time that the threads of this process have waited for a core; 0 where the kernel does not tell.
fn delayed_ms() -> f64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return 0.0;
    };
    let delayed_ns = |task: std::fs::DirEntry| -> Option<f64> {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().nth(1)?.parse().ok()
    };
    tasks.flatten().filter_map(delayed_ns).sum::<f64>() / 1e6
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

/// One proof by our prover, timed as a whole and by phases.
fn own_proof(sample: &Sample, prover: &mut Prover, (r, s): (Scalar, Scalar)) -> Own {
    let watch = Stopwatch::start();
    let mut marks = Vec::new();
    let proof = sample
        .with_blocks(|blocks| {
            prover.prove(blocks, &Randomisers::new(r, s), &mut |_: Phase| {
                marks.push(Stopwatch::start())
            })
        })
        .unwrap();
    marks.push(Stopwatch::start());
    let mut phases = marks.windows(2).map(|pair| pair[0].until(&pair[1]));
    Own {
        proof: proof.to_vec(),
        cost: watch.stop(),
        phases: std::array::from_fn(|_| phases.next().expect("three phases")),
    }
}

struct Own {
    proof: Vec<u8>,
    cost: Cost,
    phases: [Cost; PHASES.len()],
}

const PHASES: [&str; 3] = ["synthesis", "transforms", "multiexp"];

fn compare(sectors: usize, options: &Options) -> (serde_json::Value, String) {
    let repetitions = options
        .repetitions
        .unwrap_or(if sectors > 100 { 3 } else { 5 });
    let sample = sample(sectors);
    let path = parameters(&sample);
    let stock_parameters = mapped(path.clone());
    let arithmetic = Arithmetic::detect();
    let parameters = Parameters::load(&path, &sample.circuit, arithmetic).unwrap();
    let parameters = Arc::new(parameters);
    let mut prover = Prover::new(sample.circuit, Arc::clone(&parameters));
    let (r, s) = randomisers();
    let mut stock = Vec::new();
    let mut own: Vec<Own> = Vec::new();
    let mut synthesis = Vec::new();
    let mut equal = true;
    // The first round warms both up and does not count.
    for round in 0..=repetitions {
        let watch = Stopwatch::start();
        let expected = sample.stock(&stock_parameters, r, s);
        let stock_cost = watch.stop();
        let made = own_proof(&sample, &mut prover, (r, s));
        equal &= made.proof == expected;
        let stock_synthesis = sample.stock_synthesis(cpu_ms);
        if round == 0 && repetitions > 0 {
            continue;
        }
        stock.push(stock_cost);
        own.push(made);
        synthesis.push(stock_synthesis);
    }
    let throughput = options
        .in_flight
        .then(|| in_flight(&sample, prover, &parameters, repetitions.max(1)));
    let peak = |which| options.memory.then(|| peak_mb(which, sectors));
    let stock_peak = peak("stock");
    let own_peak = peak("own");
    let two_peak = peak("two").filter(|_| options.in_flight);
    let of = |f: fn(&Cost) -> f64| {
        let of_own = own.iter().map(|own| f(&own.cost)).collect();
        (median(stock.iter().map(f).collect()), median(of_own))
    };
    let of_phase = |phase: usize, f: fn(&Cost) -> f64| {
        median(own.iter().map(|own| f(&own.phases[phase])).collect())
    };
    let (stock_wall, own_wall) = of(|cost| cost.wall_ms);
    let (stock_cpu, own_cpu) = of(|cost| cost.cpu_ms);
    let (stock_occupancy, own_occupancy) = of(Cost::occupancy);
    let (stock_runnable, own_runnable) = of(Cost::runnable);
    let synthesis_cpu = of_phase(0, |cost| cost.cpu_ms);
    let stock_synthesis_cpu = median(synthesis);
    let round = |value: f64| (value * 1000.0).round() / 1000.0;
    let phases: serde_json::Map<_, _> = PHASES
        .iter()
        .enumerate()
        .map(|(phase, name)| {
            let values = serde_json::json!({
                "wallMs": round(of_phase(phase, |cost| cost.wall_ms)),
                "cpuMs": round(of_phase(phase, |cost| cost.cpu_ms)),
                "occupancy": round(of_phase(phase, Cost::occupancy)),
                "runnable": round(of_phase(phase, Cost::runnable)),
            });
            ((*name).to_string(), values)
        })
        .collect();
    let json = serde_json::json!({
        "sectors": sectors,
        "constraints": sample.circuit.rows(),
        "stock": {
            "wallMs": round(stock_wall), "cpuMs": round(stock_cpu), "peakMb": stock_peak, "synthesisCpuMs": round(stock_synthesis_cpu),
            "occupancy": round(stock_occupancy), "runnable": round(stock_runnable),
        },
        "own": {
            "wallMs": round(own_wall), "cpuMs": round(own_cpu), "peakMb": own_peak, "synthesisCpuMs": round(synthesis_cpu),
            "occupancy": round(own_occupancy), "runnable": round(own_runnable), "phases": phases,
        },
        "ratioWall": round(own_wall / stock_wall),
        "ratioCpu": round(own_cpu / stock_cpu),
        "synthesisRatioCpu": round(synthesis_cpu / stock_synthesis_cpu),
        "ratioMemory": stock_peak.zip(own_peak).map(|(stock, own)| round(own as f64 / stock as f64)),
        "twoInFlight": { "throughput": throughput.map(round), "peakMb": two_peak },
        "bitEqual": equal,
        "repetitions": repetitions,
        "threads": cores(),
        "arithmetic": format!("{arithmetic:?}").to_lowercase(),
    });
    let megabytes = |peak: Option<u64>| peak.map_or("-".to_string(), |peak| peak.to_string());
    let mut text = format!(
        "{sectors} sectors, {} constraints, {arithmetic:?}, {} threads, median of {repetitions}\n  \
         stock {stock_wall:9.1} ms wall {stock_cpu:9.1} ms CPU {:>6} MB, synthesis {stock_synthesis_cpu:.1} ms CPU; occupancy {stock_occupancy:.3}, runnable {stock_runnable:.3}\n  \
         own   {own_wall:9.1} ms wall {own_cpu:9.1} ms CPU {:>6} MB, synthesis {synthesis_cpu:.1} ms CPU; occupancy {own_occupancy:.3}, runnable {own_runnable:.3}\n  \
         ratio {:9.3} wall    {:9.3} CPU    {} memory, synthesis {:.3}; bit-equal: {equal}\n",
        sample.circuit.rows(),
        cores(),
        megabytes(stock_peak),
        megabytes(own_peak),
        own_wall / stock_wall,
        own_cpu / stock_cpu,
        json["ratioMemory"],
        synthesis_cpu / stock_synthesis_cpu,
    );
    for (name, values) in &phases {
        text += &format!("  {name}: {values}\n");
    }
    text += &format!("  two in flight: {}", json["twoInFlight"]);
    (json, text)
}

/// Median of the time of two proofs one after another by the time of the same two at once.
fn in_flight(
    sample: &Sample,
    mut first: Prover,
    parameters: &Arc<Parameters>,
    repetitions: usize,
) -> f64 {
    let mut second = Prover::new(sample.circuit, Arc::clone(parameters));
    let words = randomisers();
    let mut ratios = Vec::new();
    // The first round touches the second prover's memory.
    for round in 0..=repetitions {
        let watch = Stopwatch::start();
        own_proof(sample, &mut first, words);
        own_proof(sample, &mut second, words);
        let serial = watch.stop();
        let watch = Stopwatch::start();
        both(sample, &mut first, &mut second);
        let together = watch.stop();
        if round > 0 {
            ratios.push(serial.wall_ms / together.wall_ms);
        }
    }
    median(ratios)
}

fn both(sample: &Sample, first: &mut Prover, second: &mut Prover) {
    let words = randomisers();
    std::thread::scope(|scope| {
        scope.spawn(|| own_proof(sample, first, words));
        own_proof(sample, second, words);
    });
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

/// One proof, or two at a time, then the highest resident memory of the process in MB.
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
        let parameters = Arc::new(parameters);
        let mut prover = Prover::new(sample.circuit, Arc::clone(&parameters));
        if which == "two" {
            both(
                &sample,
                &mut prover,
                &mut Prover::new(sample.circuit, parameters),
            );
        } else {
            own_proof(&sample, &mut prover, (r, s));
        }
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
