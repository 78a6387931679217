//! A package type without rules, for the simulation.

use async_trait::async_trait;

use crate::{
    Capabilities, Descriptor, Host, InvalidName, InvalidVersion, Metadata, NewVersion, PackageName,
    PackageType, PackageVersion, Refusal, Request, RequestHead, Response, Result, Route, SortKey,
};

pub(super) struct Plain(Descriptor);

impl Plain {
    pub(super) fn new(tracks_deletions: bool) -> Self {
        Self(Descriptor {
            name: "plain".to_owned(),
            version: "1.0.0".to_owned(),
            capabilities: Capabilities {
                tracks_deletions,
                syncs_publish_date: true,
                syncs_download_count: true,
                ..Capabilities::default()
            },
        })
    }
}

#[async_trait]
impl PackageType for Plain {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    fn parse_name(&self, raw: &str) -> Result<PackageName, InvalidName> {
        PackageName::new(raw, raw)
    }

    fn parse_version(&self, raw: &str) -> Result<PackageVersion, InvalidVersion> {
        PackageVersion::new(raw, raw, SortKey::from_bytes(raw.as_bytes().to_vec()))
    }

    fn check_version(&self, _: &NewVersion) -> Result<()> {
        Ok(())
    }

    fn check_tag(&self, _: &str) -> Result<()> {
        Ok(())
    }

    fn check_attribute(&self, _: &str, _: Option<&str>, _: &Metadata) -> Result<()> {
        Ok(())
    }

    fn route(&self, _: &RequestHead) -> Result<Route> {
        Err(Refusal::not_found("it has no protocol"))
    }

    async fn serve(&self, _: Request, _: &dyn Host) -> Result<Response> {
        Err(Refusal::not_found("it has no protocol"))
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        Response::empty(refusal.kind.status())
    }
}
