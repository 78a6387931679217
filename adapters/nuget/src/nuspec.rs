//! The nuspec: what a package says of itself.

use std::collections::BTreeSet;

use pakhus_core::{PackageName, PackageVersion, Refusal, Result};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::range::VersionRange;
use crate::xml::Element;
use crate::{encoding, name, version};

/// The most bytes of a nuspec.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// What a nuspec says, as it is stored. What is `None` is not there, or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Nuspec {
    /// The id as it is written.
    pub(crate) id: String,
    /// The version as it is written, not normalised.
    pub(crate) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authors: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owners: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release_notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) copyright: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) project_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) icon_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license_url: Option<String>,
    /// An SPDX expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license_expression: Option<String>,
    /// The path of the licence in the package, as it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license_file: Option<String>,
    /// The path of the icon in the package, as it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) icon: Option<String>,
    /// The path of the readme in the package, as it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) readme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min_client_version: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) require_license_acceptance: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) development_dependency: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repository: Option<Repository>,
    /// What it is for; nothing stands for `Dependency`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) package_types: Vec<PackageType>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) dependency_groups: Vec<DependencyGroup>,
    /// Whether only clients of SemVer 2.0.0 can read its version or a range of its dependencies.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) is_semver2: bool,
}

/// Where the source of a package is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Repository {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
}

/// A kind of package that clients use in a way of its own, such as `DotnetTool`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PackageType {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
}

/// The dependencies for one target framework, or for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DependencyGroup {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_framework: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A package that another one needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dependency {
    /// The id as it is written.
    pub(crate) id: String,
    /// The range as it is written; `None` for any version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<String>,
}

// The name and signature that `skip_serializing_if` needs.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Nuspec {
    /// Reads a nuspec, and checks what clients would stumble over.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let document = Element::parse(&encoding::decode(bytes)?)?;
        let is_package = document.name == "package";
        let metadata = document
            .child("metadata")?
            .filter(|_| is_package)
            .ok_or_else(|| Refusal::invalid("the nuspec has no `package` with `metadata` in it"))?;
        let text = |name: &str| metadata.text_of(name).map(|text| text.map(str::to_owned));
        let missing = |name: &str| Refusal::invalid(format!("the nuspec has no `{name}`"));
        let mut nuspec = Self {
            id: text("id")?.ok_or_else(|| missing("id"))?,
            version: text("version")?.ok_or_else(|| missing("version"))?,
            title: text("title")?,
            authors: text("authors")?,
            owners: text("owners")?,
            description: text("description")?,
            summary: text("summary")?,
            release_notes: text("releaseNotes")?,
            copyright: text("copyright")?,
            language: text("language")?,
            tags: text("tags")?,
            project_url: text("projectUrl")?,
            icon_url: text("iconUrl")?,
            license_url: text("licenseUrl")?,
            icon: text("icon")?,
            readme: text("readme")?,
            min_client_version: metadata.attribute("minClientVersion").map(str::to_owned),
            require_license_acceptance: flag_of(metadata, "requireLicenseAcceptance")?,
            development_dependency: flag_of(metadata, "developmentDependency")?,
            repository: metadata.child("repository")?.map(repository),
            package_types: package_types(metadata)?,
            dependency_groups: dependency_groups(metadata)?,
            ..Self::default()
        };
        if let Some(license) = metadata.child("license")? {
            let text = Some(license.text.trim().to_owned()).filter(|text| !text.is_empty());
            match license.attribute("type") {
                Some("expression") => nuspec.license_expression = text,
                Some("file") => nuspec.license_file = text,
                _ => {
                    return Err(Refusal::invalid(
                        "the type of `license` in the nuspec is neither `expression` nor `file`",
                    ));
                }
            }
        }
        nuspec.is_semver2 = nuspec.needs_semver2()?;
        nuspec.check()?;
        Ok(nuspec)
    }

    /// The package and version that it says it is.
    pub(crate) fn identity(&self) -> Result<(PackageName, PackageVersion)> {
        let name = name::parse(&self.id).map_err(Refusal::invalid)?;
        let version = version::parse(&self.version).map_err(Refusal::invalid)?;
        Ok((name, version))
    }

    /// Checks what clients would stumble over.
    pub(crate) fn check(&self) -> Result<()> {
        self.identity()?;
        let urls = [
            ("projectUrl", &self.project_url),
            ("iconUrl", &self.icon_url),
            ("licenseUrl", &self.license_url),
        ];
        for (name, url) in urls {
            if let Some(url) = url {
                check_url(name, url)?;
            }
        }
        if self.min_client_version.as_ref().is_some_and(|it| version::parse(it).is_err()) {
            return Err(Refusal::invalid("the `minClientVersion` of the nuspec is no version"));
        }
        for group in &self.dependency_groups {
            let mut known = BTreeSet::new();
            for Dependency { id, .. } in &group.dependencies {
                let name = name::parse(id).map_err(Refusal::invalid)?;
                if !known.insert(name.key().to_owned()) {
                    return Err(Refusal::invalid(format!(
                        "the nuspec has the dependency `{id}` twice in one group"
                    )));
                }
            }
        }
        if self.is_semver2 == self.needs_semver2()? {
            Ok(())
        } else {
            Err(Refusal::invalid("it does not say who can read its versions"))
        }
    }

    /// Whether it is of this type, which is compared without regard to case.
    pub(crate) fn is_of_type(&self, name: &str) -> bool {
        self.package_types.iter().any(|known| known.name.eq_ignore_ascii_case(name))
    }

    /// Works out [`Self::is_semver2`].
    fn needs_semver2(&self) -> Result<bool> {
        let mut needed = version::parse(&self.version).is_ok_and(|it| version::is_semver2(&it));
        for dependency in self.dependency_groups.iter().flat_map(|group| &group.dependencies) {
            needed |= dependency.range()?.is_semver2();
        }
        Ok(needed)
    }
}

impl Dependency {
    /// The range of versions.
    pub(crate) fn range(&self) -> Result<VersionRange> {
        self.range.as_deref().map_or(Ok(VersionRange::default()), VersionRange::parse)
    }
}

/// Refuses what is no absolute address of the web.
fn check_url(name: &str, text: &str) -> Result<()> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(()),
        _ => Err(Refusal::invalid(format!(
            "the `{name}` of the nuspec is no absolute http or https URL"
        ))),
    }
}

fn flag_of(metadata: &Element, name: &str) -> Result<bool> {
    match metadata.text_of(name)? {
        None | Some("false" | "False" | "FALSE" | "0") => Ok(false),
        Some("true" | "True" | "TRUE" | "1") => Ok(true),
        Some(_) => Err(Refusal::invalid(format!(
            "the `{name}` of the nuspec is neither `true` nor `false`"
        ))),
    }
}

fn repository(element: &Element) -> Repository {
    let attribute = |name: &str| element.attribute(name).map(str::to_owned);
    Repository {
        kind: attribute("type"),
        url: attribute("url"),
        branch: attribute("branch"),
        commit: attribute("commit"),
    }
}

fn package_types(metadata: &Element) -> Result<Vec<PackageType>> {
    let Some(types) = metadata.child("packageTypes")? else { return Ok(Vec::new()) };
    types
        .children("packageType")
        .map(|element| {
            let name = element
                .attribute("name")
                .ok_or_else(|| Refusal::invalid("a `packageType` of the nuspec has no `name`"))?;
            let version = element.attribute("version").map(str::to_owned);
            Ok(PackageType { name: name.to_owned(), version })
        })
        .collect()
}

/// The dependencies in groups; those that stand outside of groups are for all frameworks.
fn dependency_groups(metadata: &Element) -> Result<Vec<DependencyGroup>> {
    let Some(dependencies) = metadata.child("dependencies")? else { return Ok(Vec::new()) };
    let mut groups = Vec::new();
    let loose = dependencies_in(dependencies)?;
    if !loose.is_empty() {
        groups.push(DependencyGroup { target_framework: None, dependencies: loose });
    }
    for group in dependencies.children("group") {
        groups.push(DependencyGroup {
            target_framework: group.attribute("targetFramework").map(str::to_owned),
            dependencies: dependencies_in(group)?,
        });
    }
    Ok(groups)
}

fn dependencies_in(element: &Element) -> Result<Vec<Dependency>> {
    element
        .children("dependency")
        .map(|element| {
            let id = element
                .attribute("id")
                .ok_or_else(|| Refusal::invalid("a `dependency` of the nuspec has no `id`"))?;
            let range = element.attribute("version").map(str::to_owned);
            Ok(Dependency { id: id.to_owned(), range })
        })
        .collect()
}
