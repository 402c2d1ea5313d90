//! Everything that happens, as one stream: the terminal, JSON lines, the journal and the report are views of it.

mod parts;
mod reporter;
mod stamped;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    hpa::HpaDecision,
    keda::{compare::Cause, decision::Decision, object::ObjectDecision},
    timing::Timing,
};

pub use parts::{Depth, JobState, Released, ReplicaState, ScaledBy};
pub use reporter::{Fanout, Reporter};
pub use stamped::Event;

/// What happened. The tag is `event`, in kebab case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A resource is about to be created, updated or deleted.
    StepStarted {
        /// Kind and name.
        resource: String,
        /// `create`, `update` or `delete`.
        action: String,
    },
    /// It was.
    StepDone {
        /// Kind and name.
        resource: String,
        /// `create`, `update` or `delete`.
        action: String,
    },
    /// A named condition is waited for.
    Waiting {
        /// What must become true.
        condition: String,
        /// Seconds until the wait gives up.
        deadline_seconds: u64,
    },
    /// Sending begins.
    ProduceStarted {
        /// Messages to be sent; absent when they come from a stream.
        count: Option<u64>,
        /// Where it goes, when that is not the stack's queue: `kinesis://STREAM`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A batch is about to go on the wire; if its answer never comes, some of it may have been sent.
    Sending {
        /// Sequence numbers, unique within one run of `produce`.
        numbers: Vec<u64>,
        /// Names this run of `produce`; with the number it identifies the body.
        run: String,
        /// Where it goes, when that is not the stack's queue: `kinesis://STREAM`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A message was accepted.
    Sent {
        /// The id that the service gave it; ours where it gives none.
        message_id: String,
        /// Its sequence number.
        number: u64,
        /// The run of `produce`.
        run: String,
        /// Where it goes, when that is not the stack's queue: `kinesis://STREAM`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A message was refused for good.
    SendFailed {
        /// Its sequence number.
        number: u64,
        /// The run of `produce`.
        run: String,
        /// The error code.
        code: String,
        /// How often it was tried.
        attempts: u32,
        /// Where it goes, when that is not the stack's queue: `kinesis://STREAM`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// Sending ended.
    ProduceFinished {
        /// Accepted.
        sent: u64,
        /// Refused for good.
        failed: u64,
        /// Where it goes, when that is not the stack's queue: `kinesis://STREAM`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A consumer received a message.
    Received {
        /// The message.
        message_id: String,
        /// The job that received it.
        job: String,
        /// How often it was received so far, this time included.
        receive_count: u32,
        /// When SQS accepted it.
        #[schemars(with = "Option<String>")]
        sent_at: Option<Timestamp>,
    },
    /// The consumer's heartbeat extended the visibility timeout.
    Extended {
        /// The message.
        message_id: String,
        /// The job.
        job: String,
        /// The new timeout in seconds, from now.
        seconds: u32,
    },
    /// The work on a message ended well.
    Worked {
        /// The message.
        message_id: String,
        /// The job.
        job: String,
        /// How long it took.
        seconds: f64,
    },
    /// The result was stored.
    Stored {
        /// The message.
        message_id: String,
        /// The job.
        job: String,
        /// Where: a path or an `s3://` address.
        location: String,
        /// Size in bytes.
        bytes: u64,
    },
    /// The message was deleted: it will not be seen again.
    Deleted {
        /// The message.
        message_id: String,
        /// The job.
        job: String,
    },
    /// The result analyzer counted it.
    Counted {
        /// The message.
        message_id: String,
        /// The job.
        job: String,
    },
    /// The message was given back to the queue.
    ReleasedMessage {
        /// The message.
        message_id: String,
        /// The job.
        job: String,
        /// Why.
        reason: Released,
    },
    /// The consumer found no message within its idle budget.
    Idle {
        /// The job.
        job: String,
    },
    /// The scaler created a job.
    JobCreated {
        /// Its name.
        job: String,
        /// Generation of the ScaledJob that it was made from.
        generation: i64,
    },
    /// A job changed state.
    JobChanged {
        /// Its name.
        job: String,
        /// The new state.
        state: JobState,
        /// Why, in a word (`done`, `idle`, `killed`, `failed`), when it ended.
        reason: Option<String>,
        /// The message it works on or worked on, once known.
        message_id: Option<String>,
        /// When it was created.
        #[schemars(with = "String")]
        created_at: Timestamp,
    },
    /// A job was removed.
    JobDeleted {
        /// Its name.
        job: String,
        /// `history`, `rollout` or `teardown`.
        reason: String,
    },
    /// One poll of the scaler: what it read and decided.
    Polled {
        /// Depth of each trigger's queue, by metric name.
        depths: Vec<(String, Depth)>,
        /// The decision, with every input.
        decision: Box<Decision>,
        /// How it went in time, and whom it asked; absent in older journals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timing: Option<Timing>,
    },
    /// One poll of a ScaledObject: what KEDA's own half read and decided.
    ObjectPolled {
        /// Depth of each trigger's queue, by metric name.
        depths: Vec<(String, Depth)>,
        /// The decision, with every input.
        decision: Box<ObjectDecision>,
        /// The same in one line.
        why: String,
        /// How it went in time, and whom it asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timing: Option<Timing>,
    },
    /// One sync of the HPA that KEDA makes for a ScaledObject.
    HpaSynced {
        /// The decision, with every input.
        decision: Box<HpaDecision>,
        /// The same in one line.
        why: String,
        /// How it went in time, and whom it asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timing: Option<Timing>,
    },
    /// The target of a ScaledObject was told how many replicas to have.
    Scaled {
        /// Its kind and name.
        target: String,
        /// Replicas wanted before.
        from: i32,
        /// Replicas wanted now.
        to: i32,
        /// By whom.
        by: ScaledBy,
    },
    /// The replicas of a ScaledObject's target are other ones, or other ones are wanted.
    ReplicasChanged {
        /// Wanted.
        wanted: i32,
        /// There, and not told to end.
        current: i32,
        /// Ready.
        ready: i32,
        /// Told to end.
        ending: i32,
    },
    /// A replica changed.
    ReplicaChanged {
        /// Its name.
        replica: String,
        /// Where it stands now.
        state: ReplicaState,
        /// The message it works on, once known.
        message_id: Option<String>,
        /// When it was created.
        #[schemars(with = "String")]
        created_at: Timestamp,
    },
    /// The queues' counters differ from when they were last looked at. Between polls; nothing is decided on it.
    DepthChanged {
        /// Depth of each trigger's queue, by metric name.
        depths: Vec<(String, Depth)>,
    },
    /// A trigger could not be read; KEDA's reason `KEDAScalerFailed`.
    ScalerFailed {
        /// The metric's name.
        metric: String,
        /// The error's text.
        error: String,
    },
    /// This process became the scaler of the stack, or looks on while another is.
    Lease {
        /// True when this process scales.
        held: bool,
        /// Who holds it: process id and host, as text.
        holder: String,
    },
    /// The ScaledJob or ScaledObject was paused or resumed.
    Paused {
        /// True when paused now.
        paused: bool,
    },
    /// The ScaledJob or ScaledObject changed: a new generation is in force.
    RolledOut {
        /// The new generation.
        generation: i64,
        /// Jobs of older generations that were deleted.
        deleted: usize,
    },
    /// Every queue is empty, and no job or replica runs beyond the minimum.
    Drained {
        /// Messages deleted since the watch began.
        done: u64,
        /// Seconds since the watch began.
        seconds: f64,
    },
    /// What KEDA's rules say at this moment, where it is KEDA that scales.
    Forecast {
        /// The decision, with every input.
        decision: Box<Decision>,
    },
    /// What KEDA did since the last forecast, beside it.
    Compared {
        /// Jobs that the rules would have created.
        expected: i64,
        /// Jobs that appeared.
        created: i64,
        /// Why.
        cause: Cause,
        /// The same in words.
        why: String,
    },
    /// What the rules of KEDA's own half say of a ScaledObject at this moment, where it is KEDA that scales.
    ObjectForecast {
        /// The decision, with every input.
        decision: Box<ObjectDecision>,
        /// The same in one line.
        why: String,
    },
    /// What the HPA's rules say at this moment, where it is a cluster's HPA that scales; it knows no more than this watch has seen.
    HpaForecast {
        /// The decision, with every input.
        decision: Box<HpaDecision>,
        /// The same in one line.
        why: String,
    },
    /// How many replicas are wanted, beside what the rules said at the last look.
    ReplicasCompared {
        /// What the rules said.
        expected: i32,
        /// Wanted now.
        wanted: i32,
        /// Why.
        cause: Cause,
        /// The same in words.
        why: String,
    },
    /// The HPA that KEDA made, as the cluster has it.
    HpaSeen {
        /// Its name.
        name: String,
        /// Replicas that it counted.
        current: i32,
        /// Replicas that it wants.
        desired: i32,
        /// Its `ScalingActive` condition as `Status/Reason: message`.
        condition: String,
    },
    /// The cluster said something about the object, its jobs or replicas.
    ClusterEvent {
        /// Kind and name of what it is about.
        object: String,
        /// Its reason, such as `KEDAJobsCreated` or `FailedCreate`.
        reason: String,
        /// Its text.
        note: String,
        /// Whether its type is `Warning`.
        warning: bool,
    },
    /// The object's conditions, each as `Status/Reason: message`.
    Conditions {
        /// Whether KEDA can scale it.
        ready: String,
        /// Whether a trigger is active.
        active: String,
        /// Whether it is paused.
        paused: String,
    },
    /// A line of a job's log that is no event.
    LogLine {
        /// The job.
        job: String,
        /// The line.
        line: String,
    },
    /// Something worth knowing that stops nothing.
    Warning {
        /// What.
        message: String,
    },
}
