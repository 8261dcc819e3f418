//! The layout of structs, read from executables that do not run, against what reflection says in one that does.

use mapscope_go::{Executable, MapDesign, NamedLayout, Silent, StructLayout, with_session, with_types};
use mapscope_memory::Process;
use serde_json::Value;

use crate::check_all;
use crate::matrix::Program;
use crate::target::Running;

fn describe(program: &Program, truth: &Value) -> Vec<String> {
    let executable = std::fs::read(&program.path).unwrap();
    let structs = truth["structs"].as_array().unwrap();
    let read = with_types(&program.path.to_string_lossy(), Executable::new(&executable), |types| {
        let mut wrong = Vec::new();
        for want in structs {
            let name = want["type"].as_str().unwrap();
            let Some(found) = types.layout(name) else {
                wrong.push(format!("{name} was not found"));
                continue;
            };
            let (got, want) = (stated(&found, types.allocator), without_types(want));
            if got != want {
                wrong.push(format!("{name}: {got} was read, {want} is true"));
            }
        }
        let swiss = matches!(types.design, MapDesign::Swiss { .. });
        if swiss != (truth["impl"] == "swiss") {
            wrong.push(format!("its maps are {:?}", types.design));
        }
        wrong.extend(maps_of(&types.layout("main.holed").unwrap(), "map[string]main.holed", false, false));
        wrong.extend(maps_of(&types.layout("main.big").unwrap(), "map[main.base]main.big", false, true));
        wrong.extend(maps_of(&types.layout("main.base").unwrap(), "map[main.base]main.big", true, false));
        wrong
    });
    read.unwrap_or_else(|error| vec![error.to_string()])
}

/// Without what reflection and debug information name in different ways: types by the last part of their path.
fn without_types(want: &Value) -> Value {
    let mut want = want.clone();
    want.as_object_mut().unwrap().remove("type");
    for field in want["fields"].as_array_mut().unwrap() {
        field.as_object_mut().unwrap().remove("type");
    }
    want
}

fn stated(found: &NamedLayout, allocator: mapscope_go::Allocator) -> Value {
    let layout = &found.layout;
    let best = layout.best_order().unwrap_or_else(|| layout.clone());
    let fields = layout
        .fields
        .iter()
        .map(|f| serde_json::json!({ "name": f.name, "offset": f.offset, "size": f.size.size, "align": f.size.align }));
    serde_json::json!({
        "size": layout.size.size,
        "align": layout.size.align,
        "pointers": layout.size.pointers,
        "slot_bytes": layout.slot(allocator),
        "best_size": best.size.size,
        "best_slot_bytes": best.slot(allocator),
        "fields": fields.collect::<Vec<_>>(),
    })
}

fn maps_of(found: &NamedLayout, map: &str, is_key: bool, indirect: bool) -> Option<String> {
    let uses = &found.maps;
    let there = uses.iter().any(|u| u.map_type == map && u.is_key == is_key && u.indirect == indirect);
    (!there).then(|| format!("{}: {map} is not among {uses:?}", found.name))
}

#[test]
fn structs_are_laid_out_as_reflection_says() {
    check_all(
        |p| p.program == "sizes",
        |program| {
            let running = Running::start(program);
            describe(program, &running.truth)
        },
    );
}

#[test]
fn a_name_is_found_with_and_without_its_path() {
    check_all(
        |p| p.program == "sizes" && p.has_names(),
        |program| {
            let executable = std::fs::read(&program.path).unwrap();
            let read = with_types("sizes", Executable::new(&executable), |types| {
                let [time, short] = ["time.Time", "runtime/internal/nothing.Time"].map(|n| types.size(n));
                let mutex = types.size("sync.Mutex").zip(types.layout("sync.Mutex"));
                let listed = types.structs();
                let mut wrong = Vec::new();
                if time.map(|t| (t.size, t.align, t.pointers)) != Some((24, 8, true)) || short.is_some() {
                    wrong.push(format!("time.Time is {time:?}, one that is none {short:?}"));
                }
                if mutex.is_none_or(|(size, named)| size.size != 8 || size != named.layout.size) {
                    wrong.push("sync.Mutex has not eight bytes".to_owned());
                }
                if !["main.holed", "main.tight", "runtime.g"].iter().all(|name| listed.contains(name)) {
                    wrong.push(format!("of {} structs some are missing", listed.len()));
                }
                wrong
            });
            read.unwrap_or_else(|error| vec![error.to_string()])
        },
    );
}

#[test]
fn a_reading_knows_the_structs_that_it_met() {
    check_all(
        |p| p.program == "sizes" && matches!(p.variant.as_str(), "default" | "noswissmap"),
        |program| {
            let running = Running::start(program);
            let process = Process::attach(running.child.id()).unwrap();
            let executable = process.executable().unwrap();
            let layout = |layouts: &[(String, StructLayout)]| {
                layouts.iter().find(|(name, _)| name == "main.holed").map(|(_, layout)| layout.clone())
            };
            let (met, allocator) = with_session(&process, Executable::new(&executable), &Silent, |session| {
                (layout(&session.struct_layouts()), session.allocator())
            })
            .unwrap();
            let want = with_types("sizes", Executable::new(&executable), |types| {
                (types.layout("main.holed").map(|named| named.layout), types.allocator)
            })
            .unwrap();
            if (&met, allocator) == (&want.0, want.1) && met.is_some() {
                return Vec::new();
            }
            vec![format!("{met:?} was met, {want:?} is true")]
        },
    );
}
