//! `kedactl target`.

use clap::ValueEnum;
use kedactl::{
    backend,
    core::{
        error::Result,
        ops::target::{remembered, whereabouts},
        settings::{self, Choices, Key},
    },
};

use super::{context::Context, exit::Exit, view};

/// Show where the stack runs, or choose where
///
/// Without a name it shows each setting that matters and where it came from. With one, later commands of this stack use
/// that target; a stack that is set up must be torn down first. A flag or a variable of a later command is stronger.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kedactl target
  kedactl target eks --cluster video --region eu-west-1
  kedactl target cluster --context kind-video --stack orders
  kedactl target --all")]
pub(crate) struct Target {
    /// What later commands of this stack shall use
    #[arg(value_name = "TARGET")]
    name: Option<Name>,
    /// EKS cluster
    #[arg(long, value_name = "NAME", requires = "name")]
    cluster: Option<String>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME", requires = "name")]
    context: Option<String>,
    /// AWS region
    #[arg(long, value_name = "NAME", requires = "name")]
    region: Option<String>,
    /// Profile of AWS's configuration files
    #[arg(long, value_name = "NAME", requires = "name")]
    profile: Option<String>,
    /// An AWS endpoint instead of the region's own
    #[arg(long, value_name = "URL", requires = "name")]
    endpoint_url: Option<String>,
    /// Choose without looking whether the cluster or the context is there
    #[arg(long, requires = "name")]
    offline: bool,
    /// List every stack that this machine remembers
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

/// A target's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// This machine.
    Local,
    /// Any Kubernetes cluster.
    Cluster,
    /// An EKS cluster.
    Eks,
}

impl Target {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        if self.all {
            let stacks = remembered(&backend::stacks(&cx.state_dir()?)?);
            cx.ui.result(&stacks, || view::target::stacks(&cx.ui, &stacks))?;
            return Ok(Exit::DONE);
        }
        if let Some(name) = self.name {
            let offline = self.offline;
            let choices = self.choices(name);
            settings::target(&[(settings::Origin::Flag, choices.clone())])?;
            if !offline {
                Box::pin(backend::check_there(&cx.options.stack, &cx.state_dir()?, &choices)).await?;
            }
            backend::choose(&cx.options.stack, &cx.state_dir()?, &choices)?;
        }
        let layers = cx.layers().await?;
        let settings = cx.settings_of(&layers)?;
        let found = whereabouts(&settings, &layers);
        cx.ui.result(&found, || view::target::human(&cx.ui, &found))?;
        if !found.is_set_up {
            cx.ui.next("kedactl setup");
        }
        Ok(Exit::DONE)
    }

    /// What is to be remembered; nothing for this machine, which is the default.
    fn choices(self, name: Name) -> Choices {
        let word = match name {
            Name::Local => None,
            Name::Cluster => Some("cluster".to_owned()),
            Name::Eks => Some("eks".to_owned()),
        };
        let given = [
            (Key::Target, word),
            (Key::Cluster, self.cluster),
            (Key::Context, self.context),
            (Key::Region, self.region),
            (Key::Profile, self.profile),
            (Key::EndpointUrl, self.endpoint_url),
        ];
        given.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))).collect()
    }
}
