//! `run --create-sources` on the terminal: what is made for a run is listed, and its end is told.

use kedactl::{
    backend::sources::{Fate, RunSources},
    core::{
        error::Result,
        event::{Event, Fanout, Reporter},
        needs::Needs,
        ops::run::sources::Prepared,
        settings::{Aws, Settings},
    },
};

use super::{context::Context, ui::Ui, view::run as view};

/// The steps of a run that tells everything as JSON lines.
struct Lines(Ui);

impl Reporter for Lines {
    fn report(&self, event: &Event) {
        // Who cannot be written to is told by the run itself.
        let _ = self.0.json_line(event);
    }
}

/// Who is told of the steps: a single look tells them in its result.
fn steps(cx: &Context, once: bool) -> Fanout {
    if cx.ui.is_json() && !once { Fanout(vec![Box::new(Lines(cx.ui.clone()))]) } else { Fanout(Vec::new()) }
}

/// Makes what is absent, and lists what is there then.
pub(super) async fn prepare(cx: &Context, sources: &mut RunSources, needs: &Needs, once: bool) -> Result<Vec<Prepared>> {
    for note in &needs.notes {
        cx.ui.warn(note);
    }
    let prepared = sources.prepare(needs, &steps(cx, once)).await?.to_vec();
    if !once && !cx.ui.is_json() && !cx.ui.is_quiet() {
        cx.ui.print(&format!("{}\n", view::sources(&prepared, cx.ui.width())))?;
    }
    Ok(prepared)
}

/// Removes what was made, or keeps it where the run was told so.
pub(super) async fn end(cx: &Context, sources: RunSources, keep: bool, once: bool) -> Result<()> {
    let stack = sources.stack().clone();
    let (fate, verb) = if keep { (Fate::Kept, "Kept") } else { (Fate::Removed, "Removed") };
    let count = sources.end(fate, &steps(cx, once)).await?;
    cx.ui.note(&format!("{verb} what was made for the triggers: {count} resources of the stack `{stack}`."));
    if keep {
        cx.ui.next(&format!("kedactl teardown --stack {stack}"));
    }
    Ok(())
}

/// The way out of triggers that cannot be read in the embedded service.
pub(super) fn hint(cx: &Context, settings: &Settings) {
    if settings.aws() == Aws::Embedded {
        cx.ui.note("hint: --create-sources makes what the triggers name, and --assume NAME=VALUE gives a trigger a value");
    }
}
