//! All that a verb may touch: options, settings, cancellation, the terminal.

use std::{
    env,
    path::PathBuf,
    sync::{Arc, Once},
};

use kedactl::core::{
    error::{Error, Kind, Result},
    settings::{Choices, Key, Layer, Settings},
    stack::StackName,
};
use tokio_util::sync::CancellationToken;

use super::{exit::Exit, options::Options, ui::Ui};

/// What every verb is given.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The terminal.
    pub(crate) ui: Ui,
    /// The flags that every command takes.
    pub(crate) options: Options,
    /// Cancelled by the first Ctrl-C or SIGTERM once [`Context::listen`] was called.
    pub(crate) cancel: CancellationToken,
    listening: Arc<Once>,
    /// What stands for the environment's settings when another stack than the chosen one is worked on.
    instead: Option<Choices>,
}

impl Context {
    pub(crate) fn new(options: Options) -> Self {
        Self { ui: Ui::new(&options), options, cancel: CancellationToken::new(), listening: Arc::new(Once::new()), instead: None }
    }

    /// The settings in force: `flags` over environment over remembered over defaults.
    ///
    /// # Errors
    /// When a value cannot be used, what setup remembered cannot be read, or AWS must be asked and cannot be.
    pub(crate) async fn settings(&self, flags: Choices) -> Result<Settings> {
        kedactl::backend::settle(&self.options.stack, &self.state_dir()?, flags, self.environment()).await
    }

    /// The same for another stack, whose settings are `choices` as far as they are known; region, profile and cluster that
    /// nobody knows are this one's.
    pub(crate) fn for_stack(&self, stack: &StackName, choices: Choices) -> Self {
        let mut instead = environment();
        instead.retain(|key, _| matches!(key, Key::Target | Key::Region | Key::Profile | Key::EndpointUrl | Key::Cluster | Key::Context));
        instead.extend(choices);
        let options = Options { stack: stack.clone(), ..self.options.clone() };
        Self { options, instead: Some(instead), ..self.clone() }
    }

    fn environment(&self) -> Choices {
        self.instead.clone().unwrap_or_else(environment)
    }

    /// Where the settings come from, the strongest first, without asking anybody.
    ///
    /// # Errors
    /// When the layers contradict each other, or what setup remembered cannot be read.
    pub(crate) async fn layers(&self) -> Result<Vec<Layer>> {
        kedactl::backend::layers(&self.options.stack, &self.state_dir()?, Choices::new(), self.environment()).await
    }

    /// The settings that `layers` give, as far as they can be known without asking anybody.
    ///
    /// # Errors
    /// When a value cannot be used.
    pub(crate) fn settings_of(&self, layers: &[Layer]) -> Result<Settings> {
        Settings::resolve(self.options.stack.clone(), self.state_dir()?, kedactl::backend::emulator::ACCOUNT, layers)
    }

    /// Where state is kept.
    ///
    /// # Errors
    /// `State` when nothing tells where.
    pub(crate) fn state_dir(&self) -> Result<PathBuf> {
        let from = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let given = self.options.state_dir.clone().or_else(|| from("XDG_STATE_HOME").map(|dir| dir.join("kedactl")));
        given.or_else(|| from("HOME").map(|home| home.join(".local/state/kedactl"))).ok_or_else(|| {
            Error::new(Kind::State, "no place to keep state", "neither HOME nor XDG_STATE_HOME is set").hint("pass --state-dir DIR")
        })
    }

    /// From now on Ctrl-C and SIGTERM cancel [`Context::cancel`] instead of ending the process; a second one ends it at once.
    /// Calling it again changes nothing.
    pub(crate) fn listen(&self) {
        self.listening.call_once(|| self.spawn_listener());
    }

    fn spawn_listener(&self) {
        use tokio::signal::unix::{SignalKind, signal};
        let cancel = self.cancel.clone();
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else { return };
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if cancel.is_cancelled() {
                    std::process::exit(i32::from(Exit::INTERRUPTED.0));
                }
                cancel.cancel();
            }
        });
    }
}

fn environment() -> Choices {
    let variable = |key: Key| format!("KEDACTL_{}", key.name().to_uppercase().replace('-', "_"));
    Key::ALL.iter().filter_map(|key| env::var(variable(*key)).ok().filter(|text| !text.is_empty()).map(|text| (*key, text))).collect()
}
