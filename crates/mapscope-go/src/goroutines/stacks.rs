//! Stacks as Go's stack traces show them (`showfuncinfo`, `printcreatedby` of `runtime/traceback.go`).

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::roots::{Context, Frame, Goroutine};
use crate::runtime::CodeFrame;

/// Physical frames at each end of a stack that are shown (`tracebackInnerFrames`, `tracebackOuterFrames`).
const INNER: usize = 50;
const OUTER: usize = 50;

/// One line of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct StackFrame {
    /// The function as stack traces print it: type arguments are `[...]`.
    pub function: String,
    /// Its source file; `?` when it is not known.
    pub file: String,
    /// The line; 0 when it is not known.
    pub line: u32,
}

/// The frames of a goroutine, by their numbers in [`Stacks`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Stack {
    pub(super) frames: Vec<u32>,
    pub(super) left_out: Option<(u64, u64)>,
}

/// What one physical frame shows: its number, and whether it is shown.
type Shown = Rc<[(u32, bool)]>;

/// Numbers every frame once: most stacks share theirs.
pub(super) struct Stacks<'c> {
    context: &'c Context<'c>,
    frames: Vec<StackFrame>,
    numbers: FxHashMap<StackFrame, u32>,
    by_address: FxHashMap<u64, Shown>,
}

impl<'c> Stacks<'c> {
    pub(super) fn new(context: &'c Context<'c>) -> Self {
        let (frames, numbers, by_address) = Default::default();
        Self { context, frames, numbers, by_address }
    }

    /// The frame with this number.
    pub(super) fn frame(&self, number: u32) -> Option<StackFrame> {
        self.frames.get(number as usize).cloned()
    }

    /// The frames that are shown; all of them when that would be none.
    pub(super) fn stack(&mut self, goroutine: &Goroutine) -> Stack {
        let frames = &goroutine.frames;
        let outer = frames.len().saturating_sub(OUTER).max(INNER.min(frames.len()));
        let inner = frames.len().min(INNER);
        let mut all = Vec::new();
        let mut inner_len = (0, 0);
        for (i, frame) in frames.iter().enumerate().take(inner).chain(frames.iter().enumerate().skip(outer)) {
            if i == outer {
                inner_len = (all.len(), all.iter().filter(|(_, shown)| *shown).count());
            }
            let address = self.instruction(goroutine, i, frame);
            all.extend_from_slice(&self.at(address));
        }
        let any = all.iter().any(|(_, shown)| *shown);
        let after = if any { inner_len.1 } else { inner_len.0 };
        let left_out = (outer > inner).then_some((after as u64, (outer - inner) as u64));
        Stack { frames: all.into_iter().filter(|(_, shown)| *shown || !any).map(|(f, _)| f).collect(), left_out }
    }

    /// The `go` statement that made the goroutine. The first one was made by no such statement.
    pub(super) fn creator(&mut self, goroutine: &Goroutine) -> Option<u32> {
        let address = goroutine.standing.created_at.checked_sub(1).filter(|_| goroutine.id != 1)?;
        self.at(address).last().map(|(frame, _)| *frame)
    }

    /// The address of the instruction that a frame is in: that of the call, unless it was interrupted (`symPC`).
    fn instruction(&self, goroutine: &Goroutine, index: usize, frame: &Frame) -> u64 {
        let interrupted = match index.checked_sub(1).and_then(|i| goroutine.frames.get(i)) {
            None => goroutine.standing.interrupted,
            Some(callee) => matches!(
                self.context.functions[callee.table].name(&callee.function),
                "runtime.sigpanic" | "runtime.asyncPreempt" | "runtime.debugCallV2"
            ),
        };
        if interrupted || frame.pc <= frame.function.entry { frame.pc } else { frame.pc - 1 }
    }

    fn at(&mut self, address: u64) -> Shown {
        if let Some(known) = self.by_address.get(&address) {
            return known.clone();
        }
        let Context { functions, memory, .. } = *self.context;
        let found = functions.iter().find_map(|t| Some((t.find(address)?, t.frames_at(memory, address))));
        let wrapper = found.as_ref().is_some_and(|(f, _)| f.is_wrapper(self.context.minor));
        let frames = found.map_or_else(Vec::new, |(_, frames)| frames);
        // Of a wrapper, what was copied into it is shown.
        let shown = |i: usize| !(wrapper && i + 1 == frames.len());
        let numbered: Shown =
            frames.iter().enumerate().map(|(i, f)| (self.number(f), shown(i) && is_shown(f))).collect();
        self.by_address.insert(address, numbered.clone());
        numbered
    }

    fn number(&mut self, frame: &CodeFrame<'_>) -> u32 {
        let frame =
            StackFrame { function: frame.printed_name().into_owned(), file: frame.file.to_owned(), line: frame.line };
        let next = self.frames.len() as u32;
        let frames = &mut self.frames;
        *self.numbers.entry(frame).or_insert_with_key(|frame| {
            frames.push(frame.clone());
            next
        })
    }
}

/// Functions of the program, and those of the runtime that it can call by name.
fn is_shown(frame: &CodeFrame<'_>) -> bool {
    let Some(name) = frame.function.strip_prefix("runtime.") else {
        return !frame.is_generated() && frame.function.contains('.');
    };
    let name = name.split_once('.').map_or(name, |(receiver, method)| {
        // Of a method, both names must be exported.
        let receiver = receiver.trim_start_matches(['(', '*']);
        if receiver.starts_with(|c: char| c.is_ascii_uppercase()) { method } else { receiver }
    });
    matches!(frame.function, "runtime.runFinalizers" | "runtime.runCleanups" | "runtime.gopanic")
        || name.starts_with(|c: char| c.is_ascii_uppercase())
}
