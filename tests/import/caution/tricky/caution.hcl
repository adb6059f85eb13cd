# Several units, expressions, and a block that nobody knows.
enclave "main" {
  build {
    app_sources = ["https://example.com/archive/${COMMIT}.tar.gz"]
  }
  network {
    ingress {
      start_port = 1
      end_port   = 65535
      ip_protocol = "udp"
    }
  }
  unit "migrate" {
    command = "/app/migrate"
  }
  unit "default" {
    args    = ["a \"b\"", "$${literal}", "\u00e4"]
    command = "/app/it's here"
    env = {
      "DOTTED.NAME" = "\"quoted\"\n"
    }
  }
  telemetry "otel" "v1" {
    endpoint = upper("x")
    script   = <<-A
      a "b"
    A
  }
  empty {}
}
