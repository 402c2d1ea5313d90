//! The crash test: `kill -9` of setup, produce, watch, consume and teardown at random points, again and again.
//!
//! Afterwards every message is accounted for, what was done twice is explained by a kill, and teardown leaves nothing.
//! `KEDACTL_CRASH_SEED` chooses the points, `KEDACTL_CRASH_ROUNDS` how often; both have defaults, and the seed is printed.

use std::{
    collections::BTreeSet,
    env,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;

use crate::support::{Stack, wait_until};

/// Kills of one round, by what was killed, and what is left to check.
#[derive(Debug, Default, Clone, Copy)]
struct Kills {
    setup: u64,
    produce: u64,
    watch: u64,
    consume: u64,
    teardown: u64,
}

impl Kills {
    fn all(&self) -> u64 {
        self.setup + self.produce + self.watch + self.consume + self.teardown
    }

    fn add(&mut self, other: Self) {
        self.setup += other.setup;
        self.produce += other.produce;
        self.watch += other.watch;
        self.consume += other.consume;
        self.teardown += other.teardown;
    }
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name)
        .ok()
        .filter(|text| !text.is_empty())
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn nothing_is_lost_whatever_is_killed() {
    let seed = number("KEDACTL_CRASH_SEED", 20_260_117);
    let rounds = number("KEDACTL_CRASH_ROUNDS", 32);
    println!("KEDACTL_CRASH_SEED={seed} KEDACTL_CRASH_ROUNDS={rounds}");
    let begun = Instant::now();
    let left = Mutex::new(0..rounds);
    let killed = Mutex::new(Kills::default());
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(round) = left.lock().expect("no round panics with it").next() else { return };
                    match std::panic::catch_unwind(|| Round::new(seed, round).run()) {
                        Ok(kills) => killed.lock().expect("no round panics with it").add(kills),
                        Err(_) => failures.lock().expect("no round panics with it").push(round),
                    }
                }
            });
        }
    });
    let killed = killed.into_inner().expect("no round panics with it");
    let failures = failures.into_inner().expect("no round panics with it");
    println!("{} kills in {rounds} rounds and {:.0} s: {killed:?}", killed.all(), begun.elapsed().as_secs_f64());
    assert!(failures.is_empty(), "rounds {failures:?} of seed {seed} failed; what they said is above");
    // Some of the points come after the end of what they were meant for; most do not.
    assert!(killed.all() >= rounds * 5, "only {} kills in {rounds} rounds: the points are badly chosen", killed.all());
}

/// One stack from its first setup to its last teardown.
struct Round {
    name: String,
    random: StdRng,
    stack: Stack,
    kills: Kills,
    /// Most milliseconds from a start to its kill: as long as the first run of setup takes.
    reach: u64,
}

impl Round {
    fn new(seed: u64, round: u64) -> Self {
        let random = StdRng::seed_from_u64(seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self { name: format!("round {round} of seed {seed}"), random, stack: Stack::new(), kills: Kills::default(), reach: 400 }
    }

    fn run(mut self) -> Kills {
        self.set_up();
        self.produce();
        self.scale();
        self.settle();
        self.account();
        self.tear_down();
        self.kills
    }

    /// Starts `args` and kills them at a random point; whether they were still running then.
    fn cut(&mut self, args: &[&str], reach: u64) -> u64 {
        let mut running = self.stack.spawn(args);
        thread::sleep(Duration::from_millis(self.random.random_range(1..=reach)));
        let alive = !running.has_ended();
        running.kill();
        u64::from(alive)
    }

    fn set_up(&mut self) {
        // Short timeouts, so that what a killed consumer held comes back within the test.
        let args = ["setup", "--work-seconds", "20", "--visibility-timeout", "2"];
        for _ in 0..2 {
            self.kills.setup += self.cut(&args, self.reach);
        }
        let begun = Instant::now();
        self.stack.ok(args);
        self.reach = u64::try_from(begun.elapsed().as_millis()).unwrap_or(self.reach).clamp(50, 2000);
        let again = self.stack.run(["setup", "--plan", "-o", "json"]);
        assert_eq!(again.code, Some(0), "{}: a setup after a killed one is complete: {again}", self.name);
    }

    fn produce(&mut self) {
        for _ in 0..2 {
            let count = self.random.random_range(10..=60).to_string();
            self.kills.produce += self.cut(&["produce", "--count", &count, "--rate", "200/s"], self.reach);
        }
        self.stack.ok(["produce", "--count", "5"]);
    }

    /// Watches and kills watches; meanwhile consumers are killed.
    fn scale(&mut self) {
        for _ in 0..2 {
            let mut watch = self.stack.spawn(["watch", "--pace", "100", "-o", "json"]);
            let until = Instant::now() + Duration::from_millis(self.random.random_range(self.reach..=self.reach * 3));
            while Instant::now() < until && !watch.has_ended() {
                self.kills.consume += self.kill_a_consumer();
                thread::sleep(Duration::from_millis(self.random.random_range(20..=200)));
            }
            self.kills.watch += u64::from(!watch.has_ended());
            watch.kill();
        }
    }

    fn kill_a_consumer(&mut self) -> u64 {
        let consumers = self.stack.consumers();
        if consumers.is_empty() {
            return 0;
        }
        let chosen = consumers[self.random.random_range(0..consumers.len())];
        u64::from(kill(Pid::from_raw(chosen), Signal::SIGKILL).is_ok())
    }

    /// Lets one watch run to the end.
    fn settle(&mut self) {
        let watch = self.stack.ok(["watch", "--pace", "100"]);
        assert!(self.stack.consumers().is_empty(), "{}: drained means that no job runs: {watch}", self.name);
    }

    /// Holds the report's verdict against the journal, the kills and the queue.
    fn account(&self) {
        let report = self.stack.run(["report", "-o", "json"]).json();
        let total = |name: &str| report["totals"][name].as_u64().unwrap_or_else(|| panic!("no total `{name}` in {report:#}"));
        let fault = |what: &str| format!("{}: {what} after {:?}: {report:#}\n{:#?}", self.name, self.kills, self.stack.journal());
        assert_eq!(total("lost"), 0, "{}", fault("messages are lost"));
        assert_eq!(total("unfinished"), 0, "{}", fault("messages are left"));
        assert_eq!(total("strangers"), 0, "{}", fault("a message was received that nobody sent"));
        assert!(total("sent") >= 5, "{}", fault("fewer messages than the last produce sent"));
        // A consumer that is killed between its work and the message's deletion has worked for nothing.
        assert!(total("duplicated") <= self.kills.consume, "{}", fault("more duplicates than kills"));
        assert!(total("dead_lettered") * 5 <= self.kills.consume, "{}", fault("more dead letters than kills explain"));
        let verdict = report["verdict"].as_str().unwrap_or_default();
        let explained = self.kills.consume > 0 && ["duplicated", "miscounted", "dead-lettered"].contains(&verdict);
        assert!(verdict == "proven" || explained, "{}", fault("the verdict is not explained by a kill"));
        self.trace(&report);
    }

    /// Follows every message through the journal, without the report.
    fn trace(&self, report: &Value) {
        let journal = self.stack.journal();
        let having = |name: &str| -> BTreeSet<&str> {
            journal.iter().filter(|event| event["event"] == name).filter_map(|event| event["message_id"].as_str()).collect()
        };
        let (sent, worked) = (having("sent"), having("worked"));
        let missing: Vec<_> = sent.difference(&worked).collect();
        let dead = usize::try_from(report["totals"]["dead_lettered"].as_u64().unwrap_or(0)).unwrap_or(0);
        // A kill between the deletion and its line in the journal is no excuse here: the work's line comes before.
        assert!(missing.len() <= dead, "{}: sent and never worked on: {missing:?}", self.name);
        let stored = having("stored").len();
        let artifacts = self.stack.files().iter().filter(|path| path.starts_with(self.stack.stack_dir().join("artifacts"))).count();
        assert!(artifacts >= stored, "{}: {stored} messages have an artifact, but only {artifacts} files are there", self.name);
    }

    fn tear_down(&mut self) {
        for _ in 0..2 {
            self.kills.teardown += self.cut(&["teardown", "--yes"], self.reach);
        }
        let output = self.stack.ok(["teardown", "--yes"]);
        assert!(format!("{}{}", output.stdout, output.stderr).contains("0 left"), "{}: {output}", self.name);
        wait_until("no process of the stack is left", || self.stack.processes().is_empty());
    }
}
