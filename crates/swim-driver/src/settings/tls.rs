//! The TLS settings.

use std::path::PathBuf;

use super::error::SettingsError;
use super::layers::Settings;
use super::{NodeSettings, Origin};
use crate::tls_files::TlsFiles;

/// The TLS settings: either all files are set, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsSaid {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) verify_name: bool,
}

impl Settings {
    /// The TLS files, with paths for this process to open.
    pub(crate) fn tls(&self, node: &NodeSettings) -> Result<Option<TlsFiles>, SettingsError> {
        let TlsSaid { ca, certificate, key, verify_name } = &node.tls;
        let said = [("tls_ca", ca), ("tls_certificate", certificate), ("tls_key", key)];
        if let [(_, Some(ca)), (_, Some(certificate)), (_, Some(key))] = said {
            let at = |key: &str, path: &PathBuf| self.in_folder(key, path.clone());
            let mut files = TlsFiles::new(
                at("tls_ca", ca),
                at("tls_certificate", certificate),
                at("tls_key", key),
            );
            files.readers = node.readers;
            files.verify_name = *verify_name;
            return Ok(Some(files));
        }
        let names = |is_said: bool| {
            let some = said.iter().filter(|(_, path)| path.is_some() == is_said);
            some.map(|(key, _)| *key).collect::<Vec<_>>()
        };
        let is_said =
            names(true).into_iter().chain(verify_name.then_some("tls_verify_name")).next();
        match is_said {
            None => Ok(None),
            Some(key) => {
                let origin: Option<&Origin> = self.origin("node", key);
                let missing = names(false).join(" and ");
                Err(self
                    .error(origin, format!("{key} is set without {missing}: TLS needs all three")))
            }
        }
    }
}
