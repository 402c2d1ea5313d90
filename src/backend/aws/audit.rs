//! Everything in an account that bears a stack's tag, by the services' own lists: paged, a few at a time, and honest about limits.

use std::{collections::HashMap, future::Future};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_iam::types::PolicyScopeType;
use futures_util::{StreamExt, stream};

use super::error::fault;
use crate::core::{
    error::Result,
    plan::ResourceId,
    ports::{Census, Sweep, Tagged},
    stack::{EXPIRES_TAG, Place, STACK_TAG},
};

/// Objects whose tags are asked for at once.
const CONCURRENCY: usize = 16;
/// Objects of one kind whose tags are asked for: each takes one call.
const MOST: usize = 2000;
/// Queues in one answer.
const PAGE: i32 = 1000;

/// The account's queues, streams, tables, policies, roles, users and OIDC providers.
pub struct AwsCensus {
    sqs: aws_sdk_sqs::Client,
    kinesis: aws_sdk_kinesis::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    iam: aws_sdk_iam::Client,
    place: Place,
}

/// What was listed of one kind: a name to show, and the id that tags are asked by.
type Listed = Result<Vec<(String, String)>>;
/// The tags of one object.
type Tags = HashMap<String, String>;

impl AwsCensus {
    /// The account and region of `config`, which are those of `place`.
    #[must_use]
    pub fn new(config: &SdkConfig, place: &Place) -> Self {
        Self {
            sqs: aws_sdk_sqs::Client::new(config),
            kinesis: aws_sdk_kinesis::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            place: place.clone(),
        }
    }

    async fn queues(&self) -> Listed {
        let mut pages = self.sqs.list_queues().max_results(PAGE).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(url) = pages.next().await {
            let url = url.map_err(|error| fault("could not list the queues", &error))?;
            found.push((url.rsplit('/').next().unwrap_or_default().to_owned(), url));
        }
        Ok(found)
    }

    async fn queue_tags(&self, url: String) -> Result<Tags> {
        let answer = self.sqs.list_queue_tags().queue_url(&url).send().await;
        Ok(answer.map_err(|error| fault(format!("could not read the tags of `{url}`"), &error))?.tags.unwrap_or_default())
    }

    async fn streams(&self) -> Listed {
        let mut pages = self.kinesis.list_streams().into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| fault("could not list the streams", &error))?;
            found.extend(page.stream_names.into_iter().map(|name| (name.clone(), name)));
        }
        Ok(found)
    }

    async fn stream_tags(&self, name: String) -> Result<Tags> {
        let answer = self.kinesis.list_tags_for_stream().stream_name(&name).send().await;
        let tags = answer.map_err(|error| fault(format!("could not read the tags of stream `{name}`"), &error))?.tags;
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value.unwrap_or_default())).collect())
    }

    async fn tables(&self) -> Listed {
        let mut pages = self.dynamodb.list_tables().into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(name) = pages.next().await {
            let name = name.map_err(|error| fault("could not list the tables", &error))?;
            found.push((name.clone(), self.place.table_arn(&name)));
        }
        Ok(found)
    }

    async fn table_tags(&self, arn: String) -> Result<Tags> {
        let answer = self.dynamodb.list_tags_of_resource().resource_arn(&arn).send().await;
        let tags = answer.map_err(|error| fault(format!("could not read the tags of `{arn}`"), &error))?.tags;
        Ok(tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    async fn policies(&self) -> Listed {
        let mut pages = self.iam.list_policies().scope(PolicyScopeType::Local).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(policy) = pages.next().await {
            let policy = policy.map_err(|error| fault("could not list the policies", &error))?;
            found.extend(policy.policy_name.zip(policy.arn));
        }
        Ok(found)
    }

    async fn policy_tags(&self, arn: String) -> Result<Tags> {
        let answer = self.iam.list_policy_tags().policy_arn(&arn).send().await;
        Ok(read(&answer.map_err(|error| fault(format!("could not read the tags of `{arn}`"), &error))?.tags))
    }

    async fn roles(&self) -> Listed {
        let mut pages = self.iam.list_roles().into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(role) = pages.next().await {
            let role = role.map_err(|error| fault("could not list the roles", &error))?;
            // Roles of AWS's own services bear no tags of ours.
            if !role.path.starts_with("/aws-service-role/") {
                found.push((role.role_name.clone(), role.role_name));
            }
        }
        Ok(found)
    }

    async fn role_tags(&self, name: String) -> Result<Tags> {
        let answer = self.iam.list_role_tags().role_name(&name).send().await;
        Ok(read(&answer.map_err(|error| fault(format!("could not read the tags of role `{name}`"), &error))?.tags))
    }

    async fn users(&self) -> Listed {
        let mut pages = self.iam.list_users().into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(user) = pages.next().await {
            let user = user.map_err(|error| fault("could not list the users", &error))?;
            found.push((user.user_name.clone(), user.user_name));
        }
        Ok(found)
    }

    async fn user_tags(&self, name: String) -> Result<Tags> {
        let answer = self.iam.list_user_tags().user_name(&name).send().await;
        Ok(read(&answer.map_err(|error| fault(format!("could not read the tags of user `{name}`"), &error))?.tags))
    }

    async fn providers(&self) -> Listed {
        let answer = self.iam.list_open_id_connect_providers().send().await;
        let answer = answer.map_err(|error| fault("could not list the OIDC providers", &error))?;
        let arns = answer.open_id_connect_provider_list.unwrap_or_default().into_iter().filter_map(|provider| provider.arn);
        Ok(arns.map(|arn| (arn.split_once('/').map_or_else(|| arn.clone(), |(_, host)| host.to_owned()), arn)).collect())
    }

    async fn provider_tags(&self, arn: String) -> Result<Tags> {
        let answer = self.iam.list_open_id_connect_provider_tags().open_id_connect_provider_arn(&arn).send().await;
        Ok(read(&answer.map_err(|error| fault(format!("could not read the tags of `{arn}`"), &error))?.tags))
    }
}

fn read(tags: &[aws_sdk_iam::types::Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

/// What of `listed` bears a stack's tag. What went away meanwhile bears none.
async fn tagged<F: Future<Output = Result<Tags>>>(kind: &'static str, listed: Listed, tags: impl Fn(String) -> F) -> Sweep {
    let mut sweep = Sweep { kinds: vec![kind], ..Sweep::default() };
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => return Sweep { kinds: Vec::new(), unread: vec![format!("{kind}: {error}")], ..sweep },
    };
    if listed.len() > MOST {
        sweep.unread.push(format!("{kind}: only {MOST} of {} were looked at", listed.len()));
    }
    let asked = listed.into_iter().take(MOST).map(|(name, id)| {
        let tags = tags(id);
        async move { (name, tags.await) }
    });
    let mut answers = stream::iter(asked).buffer_unordered(CONCURRENCY);
    let mut refused = None;
    while let Some((name, tags)) = answers.next().await {
        match tags {
            Ok(mut tags) => sweep.found.extend(tags.remove(STACK_TAG).map(|stack| Tagged {
                id: ResourceId::new(kind, name),
                stack,
                namespace: None,
                expires_at: tags.get(EXPIRES_TAG).and_then(|text| text.parse().ok()),
            })),
            Err(error) if error.kind == crate::core::error::Kind::NotFound => {}
            Err(error) => refused = Some(error),
        }
    }
    sweep.unread.extend(refused.map(|error| format!("{kind}: {error}")));
    sweep.found.sort();
    sweep
}

#[async_trait]
impl Census for AwsCensus {
    async fn sweep(&self) -> Result<Sweep> {
        let (queues, streams, tables, policies, roles, users, providers) = tokio::join!(
            async { tagged("sqs queue", self.queues().await, |id| self.queue_tags(id)).await },
            async { tagged("kinesis stream", self.streams().await, |id| self.stream_tags(id)).await },
            async { tagged("dynamodb table", self.tables().await, |id| self.table_tags(id)).await },
            async { tagged("iam policy", self.policies().await, |id| self.policy_tags(id)).await },
            async { tagged("iam role", self.roles().await, |id| self.role_tags(id)).await },
            async { tagged("iam user", self.users().await, |id| self.user_tags(id)).await },
            async { tagged("oidc provider", self.providers().await, |id| self.provider_tags(id)).await },
        );
        Ok(queues.and(streams).and(tables).and(policies).and(roles).and(users).and(providers))
    }
}
