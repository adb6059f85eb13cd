caution {
  managed_credentials = "credentials.pgp"
  machine_type        = "c5.xlarge"
  build_machine_type  = "c5.xlarge"

  provider {
    type       = "aws"
    region     = "eu-central-1"
    subnet_ids = ["subnet-0a1b2c3d"]
  }
}

enclave "signer" {
  build {
    containerfile = "deploy/Containerfile"
    binary        = "/app/server"
    app_sources   = ["https://example.com/team/signer"]
    cache         = false
  }

  resources {
    cpu       = 4
    memory_mb = 4096
  }

  network {
    ingress {
      cidr_ipv4   = "0.0.0.0/0"
      port        = 8080
      ip_protocol = "tcp"
    }
    ingress {
      cidr_ipv4  = "10.0.0.0/8"
      start_port = 40000
      end_port   = 40002
    }
    egress {
      cidr_ipv4 = "0.0.0.0/0"
    }
    egress {
      cidr_ipv4 = "192.0.2.7/32"
      port      = 443
    }
    http {
      domain = "signer.example.com"
      port   = 8080
      e2e_encryption {
        mode         = "steve"
        cors_origins = ["https://example.com"]
      }
    }
  }

  debug {
    enabled  = false
    ssh_keys = ["ssh-ed25519 AAAA user@host"]
  }

  unit "default" {
    command = "/app/server"
    args    = ["--port", "8080", "--data-dir", "/srv/data"]
    env = {
      LOG_LEVEL = "info"
      WORKERS   = 4
      API_KEY   = env::vault("API_KEY")
    }
  }
}
