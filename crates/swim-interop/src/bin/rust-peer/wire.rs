//! memberlist's wire format: a node's settings for it, and its keys.

use swim_tokio::{Cluster, Config, Encryption, Key, Keyring};

use crate::settings::Fault;

/// The framing of outgoing messages.
pub(crate) struct Framing {
    /// The protocol version to speak.
    pub(crate) protocol: u8,
    pub(crate) compression: bool,
    /// The primary key comes first.
    pub(crate) keys: Vec<Vec<u8>>,
    /// `off`, `outgoing` or `required`.
    pub(crate) encryption: String,
}

/// Sets the options to those of a memberlist cluster.
pub(crate) fn speak_memberlist(config: &mut Config, framing: &Framing) -> Result<(), Fault> {
    *config = config.clone().memberlist();
    config.versions.protocol.current = framing.protocol;
    config.compression = framing.compression;
    let keys: Vec<Key> = framing.keys.iter().map(|key| Key::aes(key)).collect::<Result<_, _>>()?;
    if !keys.is_empty() {
        config.keyring = Keyring::with_keys(keys)?;
    }
    config.encryption = match framing.encryption.as_str() {
        "off" => Encryption::Off,
        "outgoing" => Encryption::Outgoing,
        "required" => Encryption::Required,
        other => return Err(format!("-encryption is off, outgoing or required: {other}").into()),
    };
    Ok(())
}

/// Runs `install_key`, `use_key`, `remove_key` or `keys`. Returns the keys, the primary one first.
pub(crate) async fn change_keys(
    cluster: &Cluster,
    what: &str,
    key: &[u8],
) -> Result<Vec<Vec<u8>>, String> {
    let key = || Key::aes(key).map_err(|error| error.to_string());
    let changed = match what {
        "install_key" => cluster.install_key(key()?).await.map(|_| ()),
        "use_key" => cluster.use_key(&key()?).await,
        "remove_key" => cluster.remove_key(&key()?).await,
        _ => Ok(()),
    };
    changed.map_err(|error| error.to_string())?;
    let keys = cluster.keys().await.map_err(|error| error.to_string())?;
    Ok(keys.iter().map(|key| key.as_bytes().to_vec()).collect())
}
