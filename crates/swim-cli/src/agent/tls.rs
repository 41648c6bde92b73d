//! The certificates of an agent.

use swim_tokio::{BindError, Node, Options};

/// The certificates of an agent, if it uses TLS.
#[derive(Clone, Debug)]
pub(super) struct Certificates {
    #[cfg(feature = "tls")]
    tls: Option<swim_tokio::Tls>,
}

/// Starts a node, with TLS if the options have certificates.
#[cfg(feature = "tls")]
pub(super) async fn start(options: Options) -> Result<(Node, Certificates), BindError> {
    use swim_tokio::{NoHooks, Tls, bind_tls};

    let Some(files) = options.tls.clone() else {
        return Ok((swim_tokio::start(options).await?, Certificates { tls: None }));
    };
    let loaded = tokio::task::spawn_blocking(move || Tls::load(files)).await;
    let tls = loaded.map_err(BindError::tls)?.map_err(BindError::tls)?;
    let node = bind_tls(&tls, options, Box::new(NoHooks)).await?.spawn();
    Ok((node, Certificates { tls: Some(tls) }))
}

/// Starts a node. Fails if the options have certificates.
#[cfg(not(feature = "tls"))]
pub(super) async fn start(options: Options) -> Result<(Node, Certificates), BindError> {
    Ok((swim_tokio::start(options).await?, Certificates {}))
}

impl Certificates {
    /// Whether there are any.
    #[cfg(feature = "tls")]
    pub(super) fn are_used(&self) -> bool {
        self.tls.is_some()
    }

    /// Reloads the certificates. Returns false if there are none.
    ///
    /// # Errors
    ///
    /// A file is unusable. The error names it. The certificates before stay in use.
    #[cfg(feature = "tls")]
    pub(super) async fn reload(&self) -> Result<bool, String> {
        let Some(tls) = self.tls.clone() else {
            return Ok(false);
        };
        match tokio::task::spawn_blocking(move || tls.reload()).await {
            Ok(read) => read.map(|()| true).map_err(|error| error.to_string()),
            Err(_) => Err("the program is ending".into()),
        }
    }

    /// A problem of certificates that are in use nevertheless.
    #[cfg(feature = "tls")]
    pub(super) fn warning(&self) -> Option<String> {
        self.tls.as_ref().and_then(swim_tokio::Tls::warning)
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_self, reason = "the feature tls needs it")]
    pub(super) fn are_used(&self) -> bool {
        false
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_self, reason = "the feature tls needs it")]
    pub(super) fn warning(&self) -> Option<String> {
        None
    }

    #[cfg(not(feature = "tls"))]
    pub(super) async fn reload(&self) -> Result<bool, String> {
        Ok(false)
    }
}
