//! `swim keygen`: a key for a cluster.

use std::io::{IsTerminal, Write};

use clap::{Args, ValueEnum};
use swim_tokio::Key;
use zeroize::Zeroizing;

use crate::Fatal;

/// Arguments of `swim keygen`.
#[derive(Args, Debug)]
pub(crate) struct KeygenArgs {
    /// Cipher of the key; --wire memberlist needs AES
    #[arg(long, value_enum, default_value_t = Cipher::Aes256)]
    cipher: Cipher,
}

/// The cipher of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cipher {
    /// AES-256-GCM
    #[value(name = "aes-256")]
    Aes256,
    /// AES-192-GCM
    #[value(name = "aes-192")]
    Aes192,
    /// AES-128-GCM
    #[value(name = "aes-128")]
    Aes128,
    /// XChaCha20-Poly1305: the key does not wear out; native wire only
    #[value(name = "xchacha20")]
    XChaCha20,
}

/// Prints a new key.
pub(crate) fn run(arguments: &KeygenArgs) -> Result<u8, Fatal> {
    let text = key(arguments.cipher)?.to_text();
    let mut stdout = std::io::stdout();
    let written = writeln!(stdout, "{}", text.as_str()).and_then(|()| stdout.flush());
    written.map_err(|error| Fatal::usage(format!("cannot write to standard output: {error}")))?;
    if stdout.is_terminal() {
        // If the hint cannot be written, the key was still printed.
        let _ = writeln!(
            std::io::stderr(),
            "Keep the key in a file that only the user of the agent can read:\n  \
             (umask 077; swim keygen > swim.key)\n  \
             swim agent --key-file swim.key ..."
        );
    }
    Ok(0)
}

fn key(cipher: Cipher) -> Result<Key, Fatal> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        Fatal::failure(format!("the operating system gave no random bytes: {error}"))
    })?;
    let size = match cipher {
        Cipher::XChaCha20 => return Ok(Key::xchacha(*bytes)),
        Cipher::Aes256 => 32,
        Cipher::Aes192 => 24,
        Cipher::Aes128 => 16,
    };
    Ok(Key::aes(&bytes[..size]).expect("a size that AES has"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use swim_tokio::CipherKind;

    #[test]
    fn keys_are_for_the_cipher_and_never_twice_the_same() {
        for (cipher, kind) in [
            (Cipher::Aes256, CipherKind::Aes256Gcm),
            (Cipher::Aes192, CipherKind::Aes192Gcm),
            (Cipher::Aes128, CipherKind::Aes128Gcm),
            (Cipher::XChaCha20, CipherKind::XChaCha20Poly1305),
        ] {
            let made = key(cipher).unwrap();
            assert_eq!(made.cipher(), kind);
            assert_ne!(made, key(cipher).unwrap());
        }
    }
}
