//! Opening sectors: which files count, and what is said about those that do not.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{
    open_all, recorded_sectors, request, seal, text, vanilla_len, vectors, with, Client, MINER,
    RANDOMNESS, WINDOW, WINNING,
};
use frames::{encode_sector_list, Sector};
use serde_json::{json, Value};

/// Opens sectors of sealed folders; the code of each that fails.
fn failures(storage: &[&Path], sectors: &[Sector]) -> BTreeMap<u64, String> {
    let mut words = vec!["vanilla"];
    for folder in storage {
        words.extend(["--storage", text(folder)]);
    }
    let mut client = Client::start(&words);
    client.send(request("open", 1, WINDOW), &encode_sector_list(sectors));
    let answers = client.until("done");
    let (done, _) = answers.last().unwrap();
    let failed: BTreeMap<u64, String> = answers
        .iter()
        .filter(|(header, _)| header["type"] == "sector-failed")
        .map(|(header, _)| {
            assert!(!header["detail"].as_str().unwrap().is_empty());
            let code = header["code"].as_str().unwrap().to_string();
            (header["sector"].as_u64().unwrap(), code)
        })
        .collect();
    assert_eq!(done["failed"], failed.len());
    assert_eq!(done["opened"], sectors.len() - failed.len());
    client.finish();
    failed
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn recorded_sectors_open() {
    let sectors = recorded_sectors();
    let header = with(request("open", 1, WINDOW), "minerId", 1001);
    let storage = vectors().join("storage");
    let mut client = Client::start(&["vanilla", "--storage", text(&storage)]);
    client.send(header, &encode_sector_list(&sectors));
    let done = client.until("done").pop().unwrap().0;
    assert_eq!((&done["opened"], &done["failed"]), (&json!(6), &json!(0)));
    client.finish();
}

#[test]
fn each_damage_has_its_code_and_stops_no_other_sector() {
    let folder = tempfile::tempdir().unwrap();
    let sectors = seal(folder.path(), "0-9", &[]);
    let replica = |n: u64| folder.path().join(format!("sealed/s-t0{MINER}-{n}"));
    let cache = |n: u64| folder.path().join(format!("cache/s-t0{MINER}-{n}"));
    let tree = |n: u64| cache(n).join("sc-02-data-tree-r-last.dat");
    fs::remove_file(replica(1)).unwrap();
    edit(&replica(2), |bytes| bytes.truncate(2047));
    edit(&replica(3), |bytes| {
        bytes.iter_mut().step_by(32).for_each(|byte| *byte ^= 1);
    });
    edit(&cache(4).join("p_aux"), |bytes| bytes[0] ^= 1);
    edit(&cache(5).join("p_aux"), |bytes| bytes.truncate(63));
    fs::remove_file(tree(6)).unwrap();
    edit(&tree(7), |bytes| bytes.truncate(31));
    fs::remove_file(replica(8)).unwrap();
    fs::create_dir(replica(8)).unwrap();
    edit(&tree(9), |bytes| bytes[0] ^= 1);
    let expected = [
        (1, "missing"),
        (2, "short"),
        (3, "failed"),
        (4, "mismatch"),
        (5, "short"),
        (6, "missing"),
        (7, "short"),
        (8, "unreadable"),
        (9, "failed"),
    ];
    let expected = expected.map(|(n, code)| (n, code.to_string())).into();
    assert_eq!(failures(&[folder.path()], &sectors), expected);
}

#[test]
fn a_sector_that_is_nowhere_and_one_of_another_comm_r() {
    let folder = tempfile::tempdir().unwrap();
    let mut sectors = seal(folder.path(), "0-1", &[]);
    sectors[1].comm_r = sectors[0].comm_r;
    sectors.push(Sector {
        number: 9,
        ..sectors[0]
    });
    let failed = failures(&[folder.path()], &sectors);
    assert_eq!(failed[&1], "mismatch");
    assert_eq!(failed[&9], "missing");
}

#[test]
fn comm_r_decides_between_sealed_and_updated_files() {
    let folder = tempfile::tempdir().unwrap();
    let updated = seal(folder.path(), "0", &["--snap", "1"]);
    let other = tempfile::tempdir().unwrap();
    let sealed = seal(other.path(), "0", &[]);
    assert_ne!(updated, sealed);
    let proofs = [&updated, &sealed].map(|sectors| open_all(folder.path(), WINDOW, sectors));
    assert_ne!(proofs[0], proofs[1]);
}

#[test]
fn replica_and_cache_may_lie_in_different_folders_and_a_bad_copy_does_not_matter() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sectors = seal(first.path(), "0-1", &[]);
    fs::create_dir_all(second.path().join("sealed")).unwrap();
    for n in 0..2 {
        let name = format!("sealed/s-t0{MINER}-{n}");
        // The second folder has the mainnet form of the name.
        let copy = format!("sealed/s-f0{MINER}-{n}");
        fs::copy(first.path().join(&name), second.path().join(copy)).unwrap();
        match n {
            0 => fs::remove_file(first.path().join(&name)).unwrap(),
            _ => edit(&first.path().join(&name), |bytes| bytes.fill(1)),
        }
    }
    assert!(failures(&[first.path(), second.path()], &sectors).is_empty());
}

#[test]
fn winning_takes_one_sector_and_66_challenges() {
    let folder = tempfile::tempdir().unwrap();
    let sectors = seal(folder.path(), "0-1", &[]);
    let proofs = open_all(folder.path(), WINNING, &sectors[..1]);
    assert_eq!(proofs[0].len(), vanilla_len(WINNING));
    let mut client = Client::start(&["vanilla", "--storage", text(folder.path())]);
    client.send(request("open", 1, WINNING), &encode_sector_list(&sectors));
    assert_eq!(client.next()["code"], "bad-sector-list");
    client.finish();
}

#[test]
fn wrong_requests_are_refused() {
    let good = recorded_sectors();
    let list = encode_sector_list(&good[..2]);
    let reversed = encode_sector_list(&[good[1], good[0]]);
    let twice = encode_sector_list(&[good[0], good[0]]);
    let ones = encode_sector_list(&[Sector {
        number: 1,
        comm_r: [0xff; 32],
    }]);
    let open = || request("open", 3, WINDOW);
    let unmasked = RANDOMNESS[..62].to_string() + "40";
    let cases: [(Value, &[u8], &str); 10] = [
        (open(), &reversed, "bad-sector-list"),
        (open(), &twice, "bad-sector-list"),
        (open(), &ones, "bad-sector-list"),
        (open(), &list[1..], "bad-sector-list"),
        (open(), &[], "bad-sector-list"),
        (
            with(open(), "randomness", unmasked),
            &list,
            "bad-randomness",
        ),
        (with(open(), "randomness", "11"), &list, "bad-randomness"),
        (
            with(open(), "proofType", 5),
            &list,
            "unsupported-proof-type",
        ),
        (
            with(open(), "proofType", 15),
            &list,
            "unsupported-proof-type",
        ),
        (with(open(), "minerId", 1u64 << 60), &list, "bad-request"),
    ];
    let storage = vectors().join("storage");
    let mut client = Client::start(&["vanilla", "--storage", text(&storage)]);
    for (header, body, code) in cases {
        client.send(header, body);
        let failed = client.next();
        assert_eq!(
            (&failed["type"], &failed["code"]),
            (&json!("failed"), &json!(code))
        );
        assert_eq!(failed["job"], 3);
    }
    client.finish();
}

#[test]
fn jobs_take_turns_and_a_cancelled_one_ends() {
    let folder = tempfile::tempdir().unwrap();
    let sectors = seal(folder.path(), "0-149", &[]);
    let mut client = Client::start(&[
        "vanilla",
        "--storage",
        text(folder.path()),
        "--threads",
        "1",
    ]);
    let list = encode_sector_list(&sectors);
    client.send(request("open", 1, WINDOW), &list);
    client.send(request("open", 1, WINDOW), &list);
    client.send(request("open", 2, WINDOW), &list);
    client.send(
        request("open", 3, WINDOW),
        &encode_sector_list(&sectors[..3]),
    );
    client.send(json!({"type": "cancel", "job": 2}), &[]);
    client.send(json!({"type": "cancel", "job": 99}), &[]);
    let (mut order, mut done) = (Vec::new(), BTreeMap::new());
    while done.len() < 3 {
        let answer = client.next();
        let job = answer["job"].as_u64().unwrap();
        match answer["type"].as_str().unwrap() {
            "sector" => order.push(job),
            "done" => drop(done.insert(job, answer)),
            "failed" => assert_eq!(answer["code"], "duplicate-job"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(
        (&done[&1]["opened"], &done[&1]["cancelled"]),
        (&json!(150), &json!(false))
    );
    assert_eq!(done[&2]["cancelled"], true);
    assert!(done[&2]["opened"].as_u64().unwrap() < 150);
    assert_eq!(done[&3]["opened"], 3);
    // Job 3 came behind 150 waiting sectors and did not wait for them.
    let last = order.iter().rposition(|job| *job == 3).unwrap();
    assert!(last < 60, "{last}");
    client.finish();
}

#[test]
fn a_scan_lists_what_could_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    seal(folder.path(), "3-6", &["--snap", "1"]);
    fs::remove_file(folder.path().join(format!("sealed/s-t0{MINER}-4"))).unwrap();
    fs::remove_file(folder.path().join(format!("cache/s-t0{MINER}-5/p_aux"))).unwrap();
    let mut client = Client::start(&["vanilla", "--storage", text(folder.path())]);
    for (miner, expected) in [(MINER, vec![3u64, 6]), (MINER + 1, vec![])] {
        client.send(json!({"type": "scan", "job": 1, "minerId": miner}), &[]);
        let (header, body) = client.next_frame();
        assert_eq!(header["type"], "holdings");
        let bytes: Vec<u8> = expected.iter().flat_map(|n| n.to_le_bytes()).collect();
        assert_eq!(body, bytes);
    }
    client.finish();
    let miner = MINER.to_string();
    let (code, lines) =
        common::command(&["scan", "--storage", text(folder.path()), "--miner", &miner]);
    assert_eq!((code, &lines[0]["sectors"]), (0, &json!([3, 6])));
}
