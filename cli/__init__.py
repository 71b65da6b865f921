"""The command `myoplan`: a plain gRPC client, plus `up` and `demo`, which start everything on this machine."""

VERSION = "0.1.0"
