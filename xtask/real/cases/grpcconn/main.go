// Command grpcconn makes a grpc.ClientConn for each call and closes none.
package main

import (
	"context"
	"net"
	"runtime"

	"cases/say"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	pb "google.golang.org/grpc/health/grpc_health_v1"
)

func query(addr string) {
	cc, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials())) // never closed
	if err != nil {
		panic(err)
	}
	if _, err := pb.NewHealthClient(cc).Check(context.Background(), &pb.HealthCheckRequest{}); err != nil {
		panic(err)
	}
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s := grpc.NewServer()
	pb.RegisterHealthServer(s, health.NewServer())
	go s.Serve(l)
	for i := 0; i < 200; i++ {
		query(l.Addr().String())
	}
	runtime.GC()
	say.Ready()
}
