# syntax=docker/dockerfile:1
# One image, the role by configuration.
#   docker build --target cpu --build-arg GIT_COMMIT=$(git rev-parse HEAD) -t feractors:0.1.0 .
#   docker build --target cuda --build-arg GIT_COMMIT=$(git rev-parse HEAD) -t feractors-cuda:0.1.0 .
# Ubuntu 24.04's libstdc++ has what TorchSharp's bridge names, so that nothing must be adapted at the first start.
ARG DOTNET=10.0-noble

FROM mcr.microsoft.com/dotnet/sdk:${DOTNET} AS source
WORKDIR /src
# The packages, libtorch among them, are a layer of their own: a changed source fetches none of them again.
COPY Directory.Build.props Directory.Packages.props global.json .editorconfig ./
COPY FerActors.Control/FerActors.Control.csproj FerActors.Control/
COPY FerActors.Host/FerActors.Host.csproj FerActors.Host/
COPY FerActors.Inference/FerActors.Inference.csproj FerActors.Inference/
COPY FerActors.Shared/FerActors.Shared.csproj FerActors.Shared/
COPY FerActors.Training/FerActors.Training.csproj FerActors.Training/
COPY FerActors.Vision/FerActors.Vision.csproj FerActors.Vision/

# YuNet goes beside the program. Where it cannot be had the build says why, and the image finds faces with the Haar cascade.
#   --build-arg FER_DETECTOR_URL=...   takes it from another address
FROM source AS build-cpu
ARG FER_DETECTOR_URL=
RUN dotnet restore FerActors.Host -p:FerAccelerator=cpu
COPY FerActors.Control/ FerActors.Control/
COPY FerActors.Host/ FerActors.Host/
COPY FerActors.Inference/ FerActors.Inference/
COPY FerActors.Shared/ FerActors.Shared/
COPY FerActors.Training/ FerActors.Training/
COPY FerActors.Vision/ FerActors.Vision/
RUN dotnet publish FerActors.Host --no-restore -c Release -p:FerAccelerator=cpu -o /app \
    && { dotnet /app/fer.dll detector fetch --to /app/models || true; }

FROM source AS build-cuda
ARG FER_DETECTOR_URL=
RUN dotnet restore FerActors.Host -p:FerAccelerator=cuda
COPY FerActors.Control/ FerActors.Control/
COPY FerActors.Host/ FerActors.Host/
COPY FerActors.Inference/ FerActors.Inference/
COPY FerActors.Shared/ FerActors.Shared/
COPY FerActors.Training/ FerActors.Training/
COPY FerActors.Vision/ FerActors.Vision/
RUN dotnet publish FerActors.Host --no-restore -c Release -p:FerAccelerator=cuda -o /app \
    && { dotnet /app/fer.dll detector fetch --to /app/models || true; }

FROM mcr.microsoft.com/dotnet/aspnet:${DOTNET} AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends libatomic1 libdrm2 libgomp1 libgtk-3-0t64 opencv-data \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 fer \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin fer \
    && install -d -o 10001 -g 10001 /data \
    && printf '#!/bin/sh\nexec dotnet /app/fer.dll "$@"\n' >/usr/local/bin/fer \
    && chmod 755 /usr/local/bin/fer
# Into the manifests of trained models. Without diagnostics .NET opens no socket under /tmp.
ARG GIT_COMMIT=
ENV FER_GIT_COMMIT=${GIT_COMMIT} \
    DOTNET_EnableDiagnostics=0 \
    DOTNET_NOLOGO=1
WORKDIR /app
COPY models/ models/
USER 10001:10001
EXPOSE 5055 8080 9120
VOLUME /data
ENTRYPOINT ["dotnet", "/app/fer.dll"]
CMD ["host"]

FROM runtime AS cuda
# What NVIDIA's container runtime adds.
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-cuda /app .

FROM runtime AS cpu
COPY --from=build-cpu /app .
# Fails the build where the loader misses a library, instead of the first node.
RUN ! ldd runtimes/linux-*/native/*.so* | grep -F '=> not found'
