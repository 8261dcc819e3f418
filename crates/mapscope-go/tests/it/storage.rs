//! What slices, strings, channels, pools, timers and finalizers hold, against a program that knows.

use mapscope_go::{Executable, Silent, Storage, StorageOptions, with_session};
use mapscope_memory::{Core, Memory, Process};
use serde_json::{Value, json};

use crate::matrix::Program;
use crate::target::Running;
use crate::{check_all, cores};

fn owns_storage(program: &Program) -> bool {
    program.program == "storage" && program.has_names()
}

fn read(memory: &dyn Memory, executable: &[u8]) -> Result<(Storage, u64), String> {
    let read = with_session(memory, Executable::new(executable), &Silent, |session| {
        let hidden = session.storage(&StorageOptions::default());
        assert!(hidden.strings.groups.iter().all(|g| g.value.is_none()), "no content unless it is asked for");
        (session.storage(&StorageOptions { values: true, whole_texts: false }), session.totals.live_bytes)
    });
    read.map_err(|e| e.to_string())
}

#[test]
fn storage_of_live_targets_is_what_they_say() {
    check_all(owns_storage, |program| {
        let target = Running::start(program);
        let process = Process::attach(target.child.id()).unwrap();
        let executable = process.executable().unwrap();
        compare(&target.truth, read(&process, &executable))
    });
}

#[test]
fn storage_of_cores_is_what_their_process_said() {
    check_all(owns_storage, |program| {
        let target = Running::start(program);
        let truth = target.truth.clone();
        let recorded = cores::kernel_or_gdb(target);
        let core = Core::open(&recorded.path, Some(&program.path)).unwrap();
        let executable = core.executable().clone();
        compare(&truth, read(&core, &executable))
    });
}

/// Every row that the program states, against the row with the same keys; a section without such a row has zeros.
fn compare(truth: &Value, read: Result<(Storage, u64), String>) -> Vec<String> {
    let (storage, live) = match read {
        Ok(read) => read,
        Err(error) => return vec![error],
    };
    let mut wrong: Vec<String> = storage.partial.iter().map(|p| format!("partial: {p}")).collect();
    for (section, keys) in SECTIONS {
        let found = rows(&storage, section);
        for said in truth[*section].as_array().into_iter().flatten() {
            let named: Vec<&str> = keys.iter().copied().filter(|k| said.get(k).is_some_and(|v| v != "")).collect();
            let same = |row: &&Value| named.iter().all(|key| row[key] == said[key]);
            let row = found.iter().find(same).unwrap_or(&Value::Null);
            for (key, value) in said.as_object().unwrap() {
                let is = row.get(key).cloned().unwrap_or(json!(0));
                if !keys.contains(&key.as_str()) && is != *value {
                    wrong.push(format!("{section} {said}: {key} is {is}"));
                }
            }
        }
    }
    let zombies = |rows: &[Value]| rows.iter().map(|r| r["zombies"].as_u64().unwrap()).sum::<u64>();
    let heaps: u64 = storage.timers.heaps.iter().map(|h| h.zombies).sum();
    if heaps != zombies(&rows(&storage, "timers")) {
        wrong.push(format!("{heaps} stopped timers in the heaps"));
    }
    let queued = [storage.finalizers.queued_finalizers, storage.finalizers.queued_cleanups];
    if json!(queued) != json!([truth["queued_finalizers"], truth["queued_cleanups"]]) {
        wrong.push(format!("queued finalizers and cleanups: {queued:?}"));
    }
    if storage.finalizers.running.len() != truth["running"].as_array().unwrap().len() {
        wrong.push(format!("running: {:?}", storage.finalizers.running));
    }
    // Of small objects of the runtime itself the type is not always known.
    if storage.looked_at_bytes > live || storage.looked_at_bytes * 1000 < live * 999 {
        wrong.push(format!("looked at {} of {live} bytes", storage.looked_at_bytes));
    }
    wrong
}

/// The sections of the truth, and what tells their rows apart.
const SECTIONS: &[(&str, &[&str])] = &[
    ("slices", &["place", "type"]),
    ("pinned", &["place", "type"]),
    ("strings", &["place", "len", "value"]),
    ("channels", &["type"]),
    ("pools", &["owner"]),
    ("timers", &["function", "periodic"]),
    ("finalizers", &["type"]),
    ("queued", &["function"]),
    ("running", &["function"]),
];

fn rows(storage: &Storage, section: &str) -> Vec<Value> {
    match section {
        "slices" => list(&storage.slices, |s| {
            json!({ "place": s.place, "type": s.type_name, "arrays": s.arrays, "len_bytes": s.len_bytes,
                "cap_bytes": s.cap_bytes, "objects": 0 })
        }),
        "pinned" => list(&storage.pinned, |p| {
            json!({ "place": p.place, "type": p.type_name, "objects": p.objects, "references": p.references,
                "referred_bytes": p.referred_bytes, "object_bytes": p.object_bytes, "arrays": 0 })
        }),
        "strings" => list(&storage.strings.groups, |g| {
            let value = g.value.as_ref().map(|v| String::from_utf8_lossy(v));
            json!({ "place": g.place, "len": g.len, "count": g.count, "savable_bytes": g.savable_bytes, "value": value })
        }),
        "channels" => list(&storage.channels, |c| {
            assert_eq!(c.torn, 0, "{}", c.type_name);
            json!({ "type": c.type_name, "count": c.count, "closed": c.closed, "capacity": c.capacity,
                "queued": c.queued, "buffer_bytes": c.buffer_bytes, "receivers": c.receivers, "senders": c.senders })
        }),
        "pools" => list(&storage.pools, |p| {
            json!({ "owner": p.owner, "type": p.type_name, "local": p.local, "victim": p.victim,
                "local_bytes": p.local_bytes, "victim_bytes": p.victim_bytes })
        }),
        "timers" => list(&storage.timers.functions, |t| {
            json!({ "function": t.function, "periodic": t.periodic, "pending": t.pending, "unwatched": t.unwatched,
                "zombies": t.zombies, "stopped": t.stopped })
        }),
        "finalizers" => list(
            &storage.finalizers.types,
            |f| json!({ "type": f.type_name, "finalizers": f.finalizers, "cleanups": f.cleanups }),
        ),
        "queued" => list(&storage.finalizers.queued, |q| json!({ "function": q.function, "count": q.count })),
        _ => list(
            &storage.finalizers.running,
            |r| json!({ "function": r.function, "inside": r.inside, "cleanup": r.cleanup }),
        ),
    }
}

fn list<T>(rows: &[T], one: impl Fn(&T) -> Value) -> Vec<Value> {
    rows.iter().map(one).collect()
}
