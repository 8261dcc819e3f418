//! What the tests of the program share: running it, and checking what it writes.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Map, Value, json};

/// What the programs of the testbed keep in their maps, keys and values. None of it may be in any output.
pub(crate) const USER_DATA: [&str; 5] = ["sess-1", "tok-1", "Mozilla", "/cart", "GET "];

pub(crate) fn mapscope(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mapscope"));
    command.args(args).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env("COLUMNS", "100");
    command
}

pub(crate) fn run(args: &[&str]) -> Output {
    mapscope(args).output().expect("mapscope runs")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("the output is UTF-8")
}

/// Standard output of a run that must succeed and say nothing else.
pub(crate) fn success(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{args:?}: {output:?}");
    stdout(&output)
}

/// The message of a run that must fail with exit code 2 and nothing on standard output.
pub(crate) fn failure(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{args:?}: {output:?}");
    String::from_utf8(output.stderr).expect("the message is UTF-8")
}

/// Runs with `input` in a pipe to its standard input.
pub(crate) fn run_with(input: &[u8], args: &[&str]) -> Output {
    let mut child = mapscope(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("mapscope runs");
    let mut stdin = child.stdin.take().expect("its input");
    let input = input.to_vec();
    // It may stop listening, when it has seen enough.
    let writing = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("mapscope ends");
    writing.join().expect("it was written");
    output
}

/// A directory of one test's own, empty.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("a scratch directory");
    dir
}

/// A document of a run that must succeed, checked against the schema it names.
pub(crate) fn document(args: &[&str]) -> Value {
    checked(&success(args))
}

/// A document, checked against the schema it names.
pub(crate) fn checked(text: &str) -> Value {
    let document: Value = serde_json::from_str(text).expect("the output is JSON");
    let name = document["schema"].as_str().expect("a document names its schema").replace('/', ".");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/schema/{name}.json"));
    let schema = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let schema: Value = serde_json::from_str(&schema).expect("a schema is JSON");
    check(&document, &schema, &schema, &name);
    document
}

/// The part of JSON Schema that the contract uses.
fn check(value: &Value, schema: &Value, root: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere");
        return check(value, target, root, at);
    }
    if let Some(only) = schema.get("const") {
        assert_eq!(value, only, "{at}");
    }
    if let Some(one_of) = schema["oneOf"].as_array().filter(|one_of| one_of.iter().all(|s| s.get("const").is_some())) {
        return assert!(one_of.iter().any(|s| &s["const"] == value), "{at}: {value}");
    }
    let kind = schema["type"].as_str();
    match value {
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(value.get(name.as_str().unwrap_or_default()).is_some(), "{at}: {name} is required");
            }
            for (name, field) in fields {
                let property = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
                check(field, property.unwrap_or_else(|| panic!("{at}.{name} is not in the schema")), root, name);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| check(item, &schema["items"], root, at)),
        Value::String(_) => assert_eq!(kind, Some("string"), "{at}"),
        Value::Bool(_) => assert_eq!(kind, Some("boolean"), "{at}"),
        // Only what has no least value, such as a change, may be negative.
        Value::Number(number) if kind == Some("integer") && schema["minimum"] == 0 => {
            assert!(number.is_u64(), "{at}: {number}");
        }
        Value::Number(number) if kind == Some("integer") => assert!(number.is_i64(), "{at}: {number}"),
        Value::Number(_) => assert_eq!(kind, Some("number"), "{at}"),
        Value::Null => panic!("{at} is null"),
    }
}

/// Every way in which `document` differs from the line of truth that the program itself printed.
pub(crate) fn differences(truth: &Value, document: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let rows = document["maps"].as_array().expect("the document has maps");
    for said in truth["maps"].as_array().expect("the truth has maps") {
        // A map on a stack moves with it; the reader's own tests find those.
        let Some(addr) = said["addr"].as_str() else { continue };
        let Some(row) = rows.iter().find(|row| row["addr"] == addr) else {
            wrong.push(format!("no map at {addr}, where {} should be", said["owner"]));
            continue;
        };
        let mut fields = vec!["type", "impl", "entries", "slots", "groups", "holes", "tombstones", "zero_values"];
        fields.extend(["padding_bytes", "indirect_bytes", "overflow_buckets", "old_buckets_bytes"]);
        if said["owner"] != "" {
            fields.push("owner");
        }
        for field in fields.iter().filter(|f| said.get(**f) != row.get(**f)) {
            wrong.push(format!(
                "{} at {addr}: {field} is {:?}, not {:?}",
                said["owner"],
                row.get(field),
                said.get(field)
            ));
        }
    }
    wrong
}

/// What of [`USER_DATA`] is in `text`.
pub(crate) fn leaks(text: &str) -> Vec<&'static str> {
    USER_DATA.into_iter().filter(|data| text.contains(data)).collect()
}

/// What is in the file of an HTML report: the summary, and the tables with the rows of maps made of their columns.
pub(crate) fn page(file: &str) -> (Value, Value) {
    let element = |id: &str| {
        let (_, rest) = file.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("no {id}"));
        rest.split_once("</script>").expect("an end of the element").0
    };
    let summary = serde_json::from_str(element("summary")).expect("the summary is JSON");
    let (mut json, packed) = (String::new(), from_base64(element("tables")));
    flate2::read::DeflateDecoder::new(packed.as_slice()).read_to_string(&mut json).expect("the tables unpack");
    let mut tables: Value = serde_json::from_str(&json).expect("the tables are JSON");
    tables["maps"] = map_rows(&tables);
    (summary, tables)
}

fn map_rows(tables: &Value) -> Value {
    let (maps, strings) = (&tables["maps"], &tables["strings"]);
    let string = |column: &str, row: usize| strings[maps[column][row].as_u64().expect("a number") as usize].clone();
    let rows = maps["addr"].as_array().expect("addresses").iter().enumerate().map(|(row, addr)| {
        let addr = format!("0x{}", addr.as_str().expect("an address"));
        let mut fields = Map::from_iter([("addr".to_owned(), json!(addr)), ("torn".to_owned(), json!(false))]);
        for column in ["owner", "type", "impl"] {
            fields.insert(column.to_owned(), string(column, row));
        }
        for (name, column) in maps["figures"].as_object().expect("columns") {
            if !column[row].is_null() {
                fields.insert(name.clone(), column[row].clone());
            }
        }
        Value::Object(fields)
    });
    rows.collect()
}

fn from_base64(text: &str) -> Vec<u8> {
    let sextet = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("{other} is not base64"),
    };
    let digits: Vec<u32> = text.trim_end_matches('=').bytes().map(|c| u32::from(sextet(c))).collect();
    let bytes = |four: &[u32]| {
        let word = four.iter().enumerate().fold(0, |word, (i, digit)| word | digit << (18 - 6 * i));
        word.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(bytes).collect()
}
