"""Who sits at the console: accounts or an identity provider, and the session between sign-in and sign-out."""
